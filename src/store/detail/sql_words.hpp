// Statements of foreign SQL, looked at before a server sees them.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::store::detail {

std::string hexadecimal(std::string_view bytes);

/// Whether a statement of PostgreSQL begins as one that reads, and names no function that must not
/// be called. The server still decides; this is beside it. Fails: forbidden, invalid_argument.
Result<void> check_postgres_statement(std::string_view sql);

}  // namespace slipway::store::detail
