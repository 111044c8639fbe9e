// A file of scripted replies, of which memory holds only where each line stands.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/descriptor.hpp"
#include "core/json.hpp"

namespace slipway::eval {

/// Safe to use from many threads.
class ReplyFile {
 public:
  /// Lines are checked to be JSON objects with `case`, `metric` and `replies`. Fails: see
  /// `open_scripted_judge`.
  static Result<ReplyFile> open(const std::filesystem::path& file);

  /// Null: there are none. Fails: unavailable (the disk, or the file was changed).
  Result<std::shared_ptr<const json::Object>> find(std::string_view case_id,
                                                   std::string_view metric);
  /// Of its bytes: 64 hex digits.
  const std::string& hash() const { return hash_; }

 private:
  struct Place {
    std::uint64_t key = 0;     ///< Hash of case and metric.
    std::uint64_t offset = 0;  ///< Of the line.
    std::uint32_t length = 0, line = 0;
  };
  /// A metric asks several times in a row for the same replies.
  struct Recent {
    std::mutex mutex;
    std::string case_id, metric;
    std::shared_ptr<const json::Object> replies;
  };
  static constexpr std::size_t recent_count = 64;

  explicit ReplyFile(Descriptor file) : file_(std::move(file)) {}
  Result<void> index(const std::filesystem::path& file);
  Result<void> add_line(std::string_view line, std::uint64_t offset, std::uint32_t number);
  Result<std::string> read(const Place& place) const;

  Descriptor file_;
  std::string hash_;
  std::vector<Place> places_;  ///< By key.
  std::unique_ptr<std::array<Recent, recent_count>> recent_ =
      std::make_unique<std::array<Recent, recent_count>>();
};

}  // namespace slipway::eval
