// JSON text and its values for as long as somebody reads them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/json.hpp"

namespace slipway::eval {

/// Values that lie in one piece of memory, which goes with them: most of the time that a scripted
/// score takes would else be spent with the heap. For one thread; what is kept longer is copied.
class ParsedText {
 public:
  explicit ParsedText(std::string_view text);
  ParsedText(const ParsedText&) = delete;
  ParsedText& operator=(const ParsedText&) = delete;

  /// As `json::parse` gives it, with its messages.
  const Result<json::Value>& value() const { return *value_; }

 private:
  std::array<unsigned char, 4096> temporary_;
  std::array<unsigned char, 16384> first_;
  boost::json::monotonic_resource memory_;
  std::optional<Result<json::Value>> value_;  // Last: it lies in the memory.
};

}  // namespace slipway::eval
