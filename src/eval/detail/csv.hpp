// Tables in CSV exactly as RFC 4180 has it, with the place of every cell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::eval::detail {

struct Cell {
  std::string text;
  int line = 1;  ///< Where it begins; 1-based, as the next.
  int column = 1;
  bool is_quoted = false;
};

struct Table {
  std::vector<std::string> columns;     ///< All different, none empty.
  std::vector<std::vector<Cell>> rows;  ///< Each as wide as the columns.
};

/// The first line names the columns. A byte order mark and blank lines are skipped; line ends are
/// CRLF or LF. Stricter than most: a quote within a cell that is not quoted, or text behind one
/// that is, would be a guess. Fails: invalid_argument with line and column.
Result<Table> read_table(std::string_view text);

/// Adds one line, ended by CRLF; quotes what must be.
void append_row(std::string& out, const std::vector<std::string>& cells);

}  // namespace slipway::eval::detail
