#include "trace/detail/manifest.hpp"

#include <algorithm>
#include <charconv>

#include "core/files.hpp"
#include "core/log.hpp"
#include "trace/detail/packing.hpp"

namespace slipway::trace::detail {

namespace {

constexpr const char* file_name = "manifest";
constexpr std::string_view segment_end = ".traces", sums_end = ".sums", journal_end = ".journal";
constexpr std::uint64_t format = 1;

/// The number in "000012.traces"; absent for other names.
std::optional<std::uint64_t> number_of(const std::string& name, std::string_view end) {
  if (!name.ends_with(end)) return {};
  std::uint64_t number = 0;
  const char* const last = name.data() + name.size() - end.size();
  const auto [at, error] = std::from_chars(name.data(), last, number);
  if (error != std::errc() || at != last) return {};
  return number;
}

}  // namespace

Result<std::optional<Manifest>> read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / file_name;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<Manifest>();
  const auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  const auto damaged = [&] {
    return fail(Code::invalid_argument,
                "{} is damaged or of a newer version; restore the folder from a backup",
                path.string());
  };
  Unpacker whole(*bytes);
  const std::uint64_t version = whole.count();
  const std::uint64_t hash = whole.count();
  const std::string_view body = whole.text();
  if (!whole.is_sound() || version != format || hash64(body) != hash) return damaged();
  Unpacker in(body);
  Manifest manifest;
  manifest.journal = in.count();
  manifest.next_segment = in.count();
  manifest.next_run = in.number();
  manifest.next_trace = in.number();
  for (std::uint64_t left = in.count(); left > 0 && in.is_sound(); --left) {
    Manifest::Segment segment;
    segment.number = in.count();
    std::uint64_t row = 0;
    for (std::uint64_t dead = in.count(); dead > 0 && in.is_sound(); --dead)
      segment.dead.push_back(static_cast<std::uint32_t>(row += in.count()));
    manifest.segments.push_back(std::move(segment));
  }
  if (!in.is_sound()) return damaged();
  return std::optional(std::move(manifest));
}

Result<void> write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  std::string body, bytes;
  Packer out(body);
  out.count(manifest.journal);
  out.count(manifest.next_segment);
  out.number(manifest.next_run);
  out.number(manifest.next_trace);
  out.count(manifest.segments.size());
  for (const Manifest::Segment& segment : manifest.segments) {
    out.count(segment.number);
    out.count(segment.dead.size());
    std::uint32_t last = 0;
    for (const std::uint32_t row : segment.dead) out.count(row - std::exchange(last, row));
  }
  Packer whole(bytes);
  whole.count(format);
  whole.count(hash64(body));
  whole.text(body);
  return write_file_atomically(folder / file_name, bytes);
}

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:08}{}", number, segment_end);
}

std::filesystem::path journal_path(const std::filesystem::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:08}{}", number, journal_end);
}

std::vector<std::uint64_t> journals_from(const std::filesystem::path& folder, std::uint64_t first) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (const auto number = number_of(entry.path().filename().string(), journal_end);
        number && *number >= first)
      numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void delete_strays(const std::filesystem::path& folder, const Manifest& manifest) {
  std::error_code error;
  std::vector<std::filesystem::path> strays;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    auto segment = number_of(name, segment_end);
    if (!segment) segment = number_of(name, sums_end);
    const auto journal = number_of(name, journal_end);
    const bool is_known =
        !segment || std::any_of(manifest.segments.begin(), manifest.segments.end(),
                                [&](const auto& one) { return one.number == *segment; });
    if (!is_known || (journal && *journal < manifest.journal) || name.ends_with(".new"))
      strays.push_back(entry.path());
  }
  for (const auto& stray : strays) {
    log::debug("traces: {} is deleted", stray.string());
    std::filesystem::remove(stray, error);
  }
}

}  // namespace slipway::trace::detail
