// Words as the scripted models see them.
#pragma once

#include <string>
#include <string_view>

#include "core/unicode.hpp"

namespace slipway::models::detail {

/// Letters, digits and their marks that stand together, lowered; `use` gets each.
template <typename Use>
void each_word(std::string_view text, const Use& use) {
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    at += decoded.bytes;
    const char32_t c = decoded.code_point;
    if (unicode::is_letter(c) || unicode::is_number(c) || unicode::is_mark(c)) {
      unicode::append(word, unicode::to_lower(c));
      continue;
    }
    if (!word.empty()) use(word);
    word.clear();
  }
  if (!word.empty()) use(word);
}

}  // namespace slipway::models::detail
