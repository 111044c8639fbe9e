#include "trace/detail/sum_files.hpp"

#include "trace/detail/journal.hpp"

namespace slipway::trace::detail {

namespace {

/// Changes with anything that is packed: what sums hold, and the buckets of their latencies.
constexpr std::uint64_t format = 1;

/// Calls `visit(name, sums)` for each. False: it is not there, or not whole.
template <typename Visit>
bool visit_sums(const PartFile& file, const Visit& visit) {
  const std::filesystem::path path = sums_path(file.path);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return false;
  bool is_of_file = false;
  const auto left = read_journal(path, [&](std::string_view batch) -> Result<void> {
    Unpacker in(batch);
    if (is_of_file) {
      const std::string_view name = in.text();
      const std::string_view sums = in.text();
      if (in.is_sound()) visit(name, sums);
      return {};
    }
    is_of_file = in.count() == format && in.count() == file.hash && in.is_sound();
    if (!is_of_file) return fail(Code::invalid_argument, "it is of another file");
    return {};
  });
  return left && *left == 0 && is_of_file;
}

Result<std::unique_ptr<Journal>> begin(const PartFile& file) {
  const std::filesystem::path path = sums_path(file.path);
  // Not cut: others may be reading it.
  std::error_code error;
  std::filesystem::remove(path, error);
  auto journal = TRY(Journal::create(path, false));
  std::string head;
  Packer out(head);
  out.count(format);
  out.count(file.hash);
  TRY(journal->append(head));
  return journal;
}

}  // namespace

std::filesystem::path sums_path(const std::filesystem::path& traces_path) {
  return std::filesystem::path(traces_path).replace_extension(".sums");
}

std::optional<std::string> read_sums(const PartFile& file, std::string_view name) {
  std::optional<std::string> found;
  visit_sums(file, [&](std::string_view its_name, std::string_view sums) {
    if (its_name == name) found = sums;
  });
  return found;
}

std::set<std::string, std::less<>> names_of_sums(const PartFile& file) {
  std::set<std::string, std::less<>> names;
  visit_sums(file, [&](std::string_view name, std::string_view) { names.emplace(name); });
  return names;
}

Result<void> add_sums(const PartFile& file, std::string_view name, std::string_view sums) {
  std::error_code error;
  if (!std::filesystem::exists(file.path, error)) return {};
  bool is_there = false;
  const bool is_whole = visit_sums(file, [&](std::string_view its_name, std::string_view) {
    is_there = is_there || its_name == name;
  });
  if (is_there && is_whole) return {};
  const auto journal = TRY(is_whole ? Journal::go_on(sums_path(file.path), false) : begin(file));
  std::string batch;
  Packer out(batch);
  out.text(name);
  out.text(sums);
  TRY(journal->append(batch));
  // Its traces may have gone meanwhile, and who deleted them found no sums yet.
  if (!std::filesystem::exists(file.path, error))
    std::filesystem::remove(sums_path(file.path), error);
  return {};
}

}  // namespace slipway::trace::detail
