// Letters of ASCII, for words of protocols: no locale, and every byte keeps its place.
#pragma once

#include <string>
#include <string_view>

namespace slipway::ascii {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = lower(c);
  return copy;
}

}  // namespace slipway::ascii
