#include "models/detail/file_stamps.hpp"

#include <sys/stat.h>

#include "core/files.hpp"
#include "core/log.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t stamps_max = 1000;
constexpr std::uint64_t file_bytes_max = 4u << 20;

std::string key_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path.string() : real.string();
}

/// Size and time of now; empty when the file cannot be looked at.
FileStamp look_at(const std::filesystem::path& path) {
  struct stat info {};
  FileStamp stamp;
  if (::stat(path.c_str(), &info) != 0) return stamp;
  stamp.size_bytes = static_cast<std::uint64_t>(info.st_size);
  stamp.modified_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
  return stamp;
}

}  // namespace

Result<std::string> FileStamps::hash_of(const std::filesystem::path& path) {
  const std::string key = key_of(path);
  FileStamp stamp = find(key, look_at(path));
  if (!stamp.hash.empty()) return stamp.hash;
  stamp.hash = TRY(sha256_of_file(path));
  store(key, stamp);
  return stamp.hash;
}

bool FileStamps::is_vetted(const std::filesystem::path& path) {
  return find(key_of(path), look_at(path)).is_vetted;
}

void FileStamps::set_vetted(const std::filesystem::path& path) {
  const std::string key = key_of(path);
  FileStamp stamp = find(key, look_at(path));
  stamp.is_vetted = true;
  store(key, stamp);
}

FileStamp FileStamps::find(const std::string& key, const FileStamp& now) {
  return stamps_.with([&](Stamps& stamps) {
    if (stamps.empty()) stamps = load();
    const auto found = stamps.find(key);
    if (found == stamps.end() || found->second.size_bytes != now.size_bytes ||
        found->second.modified_ns != now.modified_ns)
      return now;
    return found->second;
  });
}

void FileStamps::store(const std::string& key, const FileStamp& stamp) {
  stamps_.with([&](Stamps& stamps) {
    stamps = load();  // Another process may have added some.
    if (stamps.size() >= stamps_max) stamps.clear();
    stamps[key] = stamp;
    const auto written = write_file_atomically(file_, json::dump_pretty(json::to(stamps)));
    if (!written) log::debug("{} is not kept: {}", file_.string(), written.error().message());
  });
}

FileStamps::Stamps FileStamps::load() const {
  const auto text = read_file(file_, file_bytes_max);
  if (!text) return {};
  const auto value = json::parse(*text);
  if (!value) return {};
  auto stamps = json::from<Stamps>(*value, json::Policy::ignore_unknown);
  return stamps ? *std::move(stamps) : Stamps();
}

}  // namespace slipway::models::detail
