// The beginning of a text, for messages.
#pragma once

#include <string>
#include <string_view>

#include "core/unicode.hpp"

namespace slipway {

/// The text, or as many of its first bytes as `bytes_max` has room for and "..."; no character is
/// cut in two.
inline std::string excerpt(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  return std::string(text.substr(0, unicode::floor_boundary(text, bytes_max))) + "...";
}

}  // namespace slipway
