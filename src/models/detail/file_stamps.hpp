// What is known about large files, so that a command need not read them all again.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/guarded.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::models::detail {

/// What one file was when it was read. Another size or time of change makes it worthless.
struct FileStamp {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::string hash;
  bool is_vetted = false;  ///< It came through `vet_gguf`.
};
BOOST_DESCRIBE_STRUCT(FileStamp, (), (size_bytes, modified_ns, hash, is_vetted))

/// A JSON file in the cache directory. Losing it costs time only, so failures to read or write it
/// are not reported. Safe to use from many threads and processes; the last writer wins.
class FileStamps {
 public:
  explicit FileStamps(std::filesystem::path file) : file_(std::move(file)) {}
  /// "sha256:..." of the file, read only when it has changed. Fails as `sha256_of_file`.
  Result<std::string> hash_of(const std::filesystem::path& path);
  bool is_vetted(const std::filesystem::path& path);
  void set_vetted(const std::filesystem::path& path);

 private:
  using Stamps = std::map<std::string, FileStamp>;
  FileStamp find(const std::string& key, const FileStamp& now);
  void store(const std::string& key, const FileStamp& stamp);
  Stamps load() const;

  std::filesystem::path file_;
  Guarded<Stamps> stamps_;
};

}  // namespace slipway::models::detail
