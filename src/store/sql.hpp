// What SQLite and PostgreSQL say differently, in one place: statements are otherwise in words that
// both know. Tables are made in SQLite's words (docs/decisions/0022-sql.md).
#pragma once

#include <string>
#include <string_view>

namespace slipway::store::sql {

/// Writes a row, over the one with the same key if there is one: its operands are `columns`, in
/// their order. Columns and keys are lists: "id, name".
std::string put(std::string_view table, std::string_view columns, std::string_view keys);

/// The same from what `select` gives: "SELECT ?, id FROM ...".
std::string put_from(std::string_view table, std::string_view columns, std::string_view keys,
                     std::string_view select);

/// Whether an expression is one of the texts of a list, which is bound as JSON.
std::string one_of(std::string_view expression);

/// Whether a text has another one within it.
std::string contains(std::string_view text, std::string_view part);

}  // namespace slipway::store::sql
