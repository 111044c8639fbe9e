// Tables in CSV (RFC 4180), whole in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::datasets::detail {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< Each as wide as the columns.
};
/// The first line names the columns. Commas, semicolons or tabs divide, whichever the first line
/// has most of; a byte order mark is skipped, as are empty lines.
/// Fails: invalid_argument naming the line.
Result<Table> read_csv(std::string_view text);

}  // namespace slipway::datasets::detail
