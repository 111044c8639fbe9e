#include "models/detail/file_hash.hpp"

#include <sys/stat.h>

#include "core/files.hpp"
#include "core/json.hpp"
#include "core/log.hpp"

namespace slipway::models::detail {

namespace {

/// The change time is there because the modification time can be set back.
struct Remembered {
  std::string path;
  std::string stamp;
  std::string hash;
};
BOOST_DESCRIBE_STRUCT(Remembered, (), (path, stamp, hash))

std::string stamp_of(const struct stat& status) {
  return fmt::format("{}:{}:{}:{}.{}:{}.{}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

std::optional<std::string> recall(const std::filesystem::path& note, const Remembered& wanted) {
  constexpr std::uint64_t note_bytes_max = 1 << 16;
  const auto bytes = read_file(note, note_bytes_max);
  if (!bytes) return std::nullopt;
  const auto value = json::parse(*bytes);
  if (!value) return std::nullopt;
  const auto found = json::from<Remembered>(*value);
  if (!found || found->path != wanted.path || found->stamp != wanted.stamp) return std::nullopt;
  constexpr std::size_t hash_bytes = 7 + 64;
  if (!found->hash.starts_with("sha256:") || found->hash.size() != hash_bytes) return std::nullopt;
  return found->hash;
}

}  // namespace

Result<std::string> remembered_hash(const std::filesystem::path& path) {
  std::error_code error;
  const auto absolute = std::filesystem::canonical(path, error);
  struct stat status {};
  if (error || ::stat(absolute.c_str(), &status) != 0) return sha256_of_file(path);
  Remembered remembered{absolute.string(), stamp_of(status), ""};
  const auto note =
      cache_directory() / "hashes" / (sha256(remembered.path).substr(7, 32) + ".json");
  if (auto hash = recall(note, remembered)) return *std::move(hash);
  remembered.hash = TRY(sha256_of_file(absolute));
  // A cache that cannot be written costs time, not correctness.
  if (const auto saved = write_file_atomically(note, json::dump(json::to(remembered))); !saved)
    log::debug("{}", saved.error().message());
  return remembered.hash;
}

}  // namespace slipway::models::detail
