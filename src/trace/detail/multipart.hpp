// Parts of a multipart body (RFC 2046) as views into it: for bodies that hold megabytes of JSON and
// bytes of any kind, whose senders say the length of each part.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::trace::detail {

struct FormPart {
  std::string name;             ///< Of its Content-Disposition.
  std::string_view media_type;  ///< Without parameters; may be empty.
  std::string_view bytes;       ///< Into the body.
};

/// Reads one part after the other.
class MultipartReader {
 public:
  /// `body` must outlive it. Fails: invalid_argument (no multipart, no boundary).
  static Result<MultipartReader> make(std::string_view content_type, std::string_view body);
  /// False at the end. Fails: invalid_argument (what is wrong with which part).
  Result<bool> next(FormPart& part);

 private:
  MultipartReader(std::string delimiter, std::string_view rest)
      : delimiter_(std::move(delimiter)), rest_(rest) {}
  Result<std::string_view> take_bytes(std::size_t said, bool is_said);

  std::string delimiter_;  ///< CR LF and two dashes before the boundary.
  std::string_view rest_;
  std::size_t count_ = 0;
};

}  // namespace slipway::trace::detail
