// Whether SQL that is written down can be what `read_only_sql` answers, before a database is asked.
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace slipway::store {

/// Whether SQLite can parse it as a statement that only reads. Tables and columns are not looked
/// for. Fails: invalid_argument (its syntax), forbidden.
Result<void> check_sqlite_statement(std::string_view sql);
/// The same of PostgreSQL, which alone knows its syntax: what begins it, and which functions it
/// names.
Result<void> check_postgres_statement(std::string_view sql);

}  // namespace slipway::store
