// What a request may name: a project, a user, a session, a prompt, the run that pays.
#pragma once

#include <algorithm>
#include <string_view>

#include "core/unicode.hpp"

namespace slipway::trace::detail {

/// 1 to 512 bytes of UTF-8 without control characters.
inline bool is_sound_name(std::string_view text) {
  constexpr std::size_t bytes_max = 512;
  return !text.empty() && text.size() <= bytes_max && unicode::is_valid_utf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace slipway::trace::detail
