// A file's bytes without a copy.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace slipway {

/// Read-only. The file must not be shortened while it is mapped.
class MappedFile {
 public:
  /// Fails: not_found, forbidden, invalid_argument (not a regular file, or empty).
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace slipway
