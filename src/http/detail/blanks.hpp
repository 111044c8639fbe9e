// What RFC 9110 calls optional white space.
#pragma once

#include <string_view>

namespace slipway::http::detail {

/// Without the spaces and tabs around it.
inline std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace slipway::http::detail
