// Values as Python prints them: what pandas writes into the cells of a table.
#pragma once

#include <string_view>

#include "core/json.hpp"

namespace slipway::eval::detail {

/// "['a', 'it\'s']", "{'k': None}", "(1, 2)", True; JSON, too. Tuples become arrays; keys must be
/// strings; at most 64 levels. Fails: invalid_argument telling where.
Result<json::Value> parse_python_literal(std::string_view text);

}  // namespace slipway::eval::detail
