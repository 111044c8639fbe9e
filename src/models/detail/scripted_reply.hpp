// How the scripted models cut a text into words, their tokens.
#pragma once

#include <cstdint>
#include <string_view>

namespace slipway::models::detail {

/// White space that belongs to the next word, then the word; both leave `text`.
std::string_view take_word(std::string_view& text);
std::int64_t count_words(std::string_view text);

}  // namespace slipway::models::detail
