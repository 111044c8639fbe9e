#include "eval/detail/csv.hpp"

#include <map>

#include "core/unicode.hpp"

namespace slipway::eval::detail {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool is_done() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  Result<std::vector<Cell>> record() {
    std::vector<Cell> cells;
    for (;;) {
      cells.push_back(TRY(cell()));
      if (is_done() || text_[at_] != ',') break;
      step();
    }
    if (!is_done() && text_[at_] == '\r') step();
    if (!is_done() && text_[at_] == '\n') step();
    return cells;
  }

 private:
  bool is_line_end() const {
    return text_[at_] == '\n' ||
           (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }

  Result<Cell> cell() {
    Cell cell{.text = {}, .line = line_, .column = column_};
    if (!is_done() && text_[at_] == '"') {
      cell.is_quoted = true;
      TRY(quoted(cell));
      if (!is_done() && text_[at_] != ',' && !is_line_end() && text_[at_] != '\r')
        return fail(Code::invalid_argument,
                    "line {}, column {}: text follows a closing quote; write a quote within a "
                    "cell twice",
                    line_, column_);
      return cell;
    }
    while (!is_done() && text_[at_] != ',' && !is_line_end()) {
      if (text_[at_] == '"')
        return fail(Code::invalid_argument,
                    "line {}, column {}: a quote stands in a cell that is not quoted; put the "
                    "whole cell in quotes and write this one twice",
                    line_, column_);
      take(cell);
    }
    if (is_done() && cell.text.ends_with('\r')) cell.text.pop_back();
    return cell;
  }

  Result<void> quoted(Cell& cell) {
    step();
    for (;;) {
      if (is_done())
        return fail(Code::invalid_argument,
                    "line {}, column {}: a quote is opened and never closed", cell.line,
                    cell.column);
      if (text_[at_] == '"') {
        step();
        if (is_done() || text_[at_] != '"') return {};
      }
      take(cell);
    }
  }

  void take(Cell& cell) {
    cell.text += text_[at_];
    step();
  }

  /// Columns count characters, as editors do.
  void step() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else if (is_done() || (static_cast<unsigned char>(text_[at_]) & 0xC0u) != 0x80u) {
      ++column_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1;
};

Result<std::vector<std::string>> column_names(const std::vector<Cell>& cells) {
  std::vector<std::string> names;
  std::map<std::string, int> known;
  for (const Cell& cell : cells) {
    const std::string name(unicode::trim(cell.text));
    if (name.empty())
      return fail(Code::invalid_argument,
                  "line {}, column {}: the column has no name; the first line names the columns",
                  cell.line, cell.column);
    if (!known.emplace(name, cell.column).second)
      return fail(Code::invalid_argument, "line {}, column {}: a second column '{}'", cell.line,
                  cell.column, name);
    names.push_back(name);
  }
  return names;
}

}  // namespace

Result<Table> read_table(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  Reader reader(text);
  Table table;
  while (!reader.is_done()) {
    std::vector<Cell> cells = TRY(reader.record());
    // A blank line; in a table of one column an empty cell must be quoted to be one.
    if (cells.size() == 1 && cells.front().text.empty() && !cells.front().is_quoted) continue;
    if (table.columns.empty()) {
      table.columns = TRY(column_names(cells));
      continue;
    }
    if (cells.size() != table.columns.size())
      return fail(Code::invalid_argument,
                  "line {}, column {}: {} cells, but the first line names {} columns",
                  cells.front().line, cells.back().column, cells.size(), table.columns.size());
    table.rows.push_back(std::move(cells));
  }
  if (table.columns.empty())
    return fail(Code::invalid_argument, "line 1, column 1: no line names the columns");
  return table;
}

void append_row(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& cell = cells[i];
    // A row of one empty cell would be a blank line.
    const bool must_quote =
        cell.find_first_of(",\"\r\n") != std::string::npos || (cells.size() == 1 && cell.empty());
    if (!must_quote) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += "\r\n";
}

}  // namespace slipway::eval::detail
