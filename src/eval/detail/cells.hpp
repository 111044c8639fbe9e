// Cells of a table as values of a golden's members, and back.
#pragma once

#include <string>
#include <string_view>

#include "eval/golden_files.hpp"

namespace slipway::eval::detail {

/// What a column of that name holds: a text; a number; texts split at "|"; tools split at ";" or in
/// JSON; grades by id, in JSON or as ids split at "|"; any object.
enum class CellKind { text, number, list, tools, grades, object };

/// Of a column that the format knows; nothing for others, which are metadata.
std::optional<CellKind> kind_of(std::string_view column, GoldenFormat format);

/// An empty cell is no value: null. A list may be a JSON array instead (so are written those that
/// could not be split again), in tables of RAGAS one of Python. Fails: invalid_argument.
Result<json::Value> cell_value(std::string_view text, CellKind kind);
/// What `cell_value` reads as that value again, where the format can say it: lists are divided by
/// "|", in JSON where they could not be divided again; for deepeval always, for RAGAS never.
std::string cell_text(const json::Value& value, CellKind kind, GoldenFormat format);

}  // namespace slipway::eval::detail
