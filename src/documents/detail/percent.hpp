// Escapes of URLs in names.
#pragma once

#include <string>
#include <string_view>

#include "core/hex.hpp"

namespace slipway::documents::detail {

/// "Chapter%201.xhtml" -> "Chapter 1.xhtml"; what is no escape stays as it is.
inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() ? hex::value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex::value(text[i + 2]) : -1;
    if (text[i] == '%' && high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace slipway::documents::detail
