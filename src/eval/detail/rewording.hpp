// The same text in another form, by rule and seeded chance.
#pragma once

#include <string>
#include <string_view>

#include "eval/detail/draws.hpp"

namespace slipway::eval::detail {

/// Each word of three letters or more, without digits, is misspelt with chance `rate`.
std::string with_typos(std::string_view text, double rate, Draws& draws);
std::string in_other_case(std::string_view text, Draws& draws);
/// Synonyms, and the question asked in another way. Never the same text, unless it is blank.
std::string paraphrased(std::string_view text, Draws& draws);
/// Whole numbers that stand alone: grouped, in a word, or with a fraction of zero.
std::string with_other_numbers(std::string_view text, Draws& draws);

}  // namespace slipway::eval::detail
