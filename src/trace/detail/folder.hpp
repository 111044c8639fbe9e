// The store's folder, held by one process.
#pragma once

#include <filesystem>
#include <memory>

#include "core/result.hpp"

namespace slipway::trace::detail {

class Folder {
 public:
  /// Makes it if need be; ":memory:" is a private one that goes with the object.
  /// Fails: conflict (another process has it), unavailable, forbidden.
  static Result<std::unique_ptr<Folder>> open(const std::filesystem::path& path);
  /// Of whoever has it, only to be read. Fails: not_found.
  static Result<std::unique_ptr<Folder>> look_at(const std::filesystem::path& path);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool is_private() const { return is_private_; }

 private:
  Folder(std::filesystem::path path, bool is_private)
      : path_(std::move(path)), is_private_(is_private) {}
  const std::filesystem::path path_;
  const bool is_private_;
  int lock_ = -1;
};

}  // namespace slipway::trace::detail
