// JSON whose numbers are read to the last bit.
#pragma once

#include <string_view>

#include "core/json.hpp"

namespace slipway::json {

/// As `parse`, but every number that is no whole one is the double nearest to what is written
/// (`parse` may be one bit off, being faster), so that what `dump` wrote comes back equal. For what
/// is hashed or compared.
Result<Value> parse_exact(std::string_view text);

}  // namespace slipway::json
