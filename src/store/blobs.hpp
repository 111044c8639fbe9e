// Content-addressed bytes: the name of a blob is its SHA-256.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::store {

/// Safe to use from many threads and processes. A blob is immutable; putting the same bytes again
/// is free.
class BlobStore {
 public:
  /// Files under `folder`/ab/cdef..., zstd-free and plain, written atomically.
  static Result<std::unique_ptr<BlobStore>> open(std::filesystem::path folder);
  /// For tests.
  static std::unique_ptr<BlobStore> in_memory();
  virtual ~BlobStore() = default;

  /// Durable on return. Gives "sha256:<hex>".
  virtual Result<std::string> put(std::string_view bytes) = 0;
  /// Fails: not_found; unavailable when the bytes no longer have that hash (disk damage), naming
  /// the file.
  virtual Result<std::string> get(std::string_view hash) const = 0;
  virtual Result<bool> contains(std::string_view hash) const = 0;
  /// Absent is success.
  virtual Result<void> remove(std::string_view hash) = 0;
  /// Every hash that is stored, sorted.
  virtual Result<std::vector<std::string>> list() const = 0;
};

}  // namespace slipway::store
