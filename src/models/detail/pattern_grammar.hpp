// Regular expressions of JSON Schema (ECMA 262) as grammar.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::models::detail {

/// The body of a rule for texts, JSON-escaped, that match the pattern from
/// their first character to their last, also where it is not anchored: those
/// match it anyway. Has literals, classes, `.`, \d \w \s, groups, alternatives
/// and repetitions; ^ and $ at the ends. Fails: unsupported, naming what else
/// stands in it; invalid_argument (it is no regular expression).
Result<std::string> pattern_grammar(std::string_view pattern);

}  // namespace slipway::models::detail
