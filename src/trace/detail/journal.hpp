// What was taken and is not in a segment yet: batches one after the other, each on disk before it
// is acknowledged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "core/result.hpp"

namespace slipway::trace::detail {

class Journal {
 public:
  /// A new file. Fails: unavailable, forbidden.
  static Result<std::unique_ptr<Journal>> create(const std::filesystem::path& path,
                                                 bool is_durable);
  /// One that is there and whole. Fails: unavailable, forbidden.
  static Result<std::unique_ptr<Journal>> go_on(const std::filesystem::path& path, bool is_durable);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// On disk when it returns. Fails: unavailable; then nothing of the batch is read again, unless
  /// `is_broken`.
  Result<void> append(std::string_view batch);
  /// The disk refused to take back a part of a batch: only a new journal goes on.
  bool is_broken() const { return is_broken_; }
  std::uint64_t bytes() const { return size_; }

 private:
  Journal(std::filesystem::path path, int descriptor, bool is_durable)
      : path_(std::move(path)), descriptor_(descriptor), is_durable_(is_durable) {}
  Result<void> write(std::string_view bytes);

  const std::filesystem::path path_;
  const int descriptor_;
  const bool is_durable_;
  std::uint64_t size_ = 0;
  bool is_broken_ = false;
};

/// The batches of a journal in their order; what was cut off at its end never was acknowledged.
/// Gives the bytes that were left out. Fails: as reading the file, and as `take`.
Result<std::uint64_t> read_journal(const std::filesystem::path& path,
                                   const std::function<Result<void>(std::string_view)>& take);

}  // namespace slipway::trace::detail
