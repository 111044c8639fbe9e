// Lines of a file or of standard input, one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::app::detail {

/// For one thread.
class LineReader {
 public:
  static constexpr std::size_t line_bytes_max = 64u << 20;

  /// "-" is standard input. Fails: not_found, forbidden, invalid_argument (a folder).
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  /// The next line without its line break, which may be CR LF; until the next call. Nothing at the
  /// end. Fails: unavailable (reading), invalid_argument (a line beyond the limit, with its
  /// number).
  Result<std::optional<std::string_view>> next();
  /// Of the line that `next` gave last, from 1.
  std::size_t line() const { return line_; }
  /// For messages: the path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  LineReader(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  Result<bool> fill();

  int descriptor_;
  std::string name_;
  std::unique_ptr<char[]> buffer_;  ///< Not a string: what is read over need not be zero before.
  std::size_t capacity_ = 0;
  std::size_t at_ = 0, end_ = 0;  ///< What is read and not given.
  std::size_t line_ = 0;
  bool is_at_end_ = false;
};

}  // namespace slipway::app::detail
