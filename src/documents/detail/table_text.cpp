#include "documents/detail/table_text.hpp"

#include <algorithm>
#include <set>

#include "core/unicode.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

/// Titles and notes may stand above a header, but not many.
constexpr std::size_t rows_looked_at = 20;
constexpr std::size_t header_row_max = 10;
constexpr std::size_t header_bytes_max = 200;

bool is_visible_ascii(char c) { return c > ' ' && c < 0x7F; }

/// Most cells begin with an ASCII sign, which answers without decoding.
bool is_blank(const TableCell& cell) {
  if (cell.text.empty()) return true;
  return !is_visible_ascii(cell.text.front()) && unicode::trim(cell.text).empty();
}

std::string_view trimmed(std::string_view text) {
  const bool is_clean =
      !text.empty() && is_visible_ascii(text.front()) && is_visible_ascii(text.back());
  return is_clean ? text : unicode::trim(text);
}

std::size_t filled(const TableCells& cells) {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [](const TableCell& cell) { return !is_blank(cell); }));
}

/// Numbers, dates, amounts of money: what stands in a column and not above it. A year may be a
/// header.
bool is_value(std::string_view text) {
  text = unicode::trim(text);
  if (text.size() == 4 && (text.starts_with("19") || text.starts_with("20"))) return false;
  const bool has_digit = text.find_first_of("0123456789") != std::string_view::npos;
  return has_digit &&
         text.find_first_not_of("0123456789.,:;-+/%$ \t()eE'") == std::string_view::npos;
}

bool looks_like_header(const TableCells& cells, std::size_t filled_max) {
  const std::size_t count = filled(cells);
  if (count < 2 || count * 10 < filled_max * 6) return false;
  std::set<std::string> names;
  for (const TableCell& cell : cells) {
    if (is_blank(cell)) continue;
    const std::string name = folded(cell.text);
    if (is_value(name) || name.size() > header_bytes_max || !names.insert(name).second)
      return false;
  }
  return true;
}

}  // namespace

void TableWriter::add(std::int64_t row, TableCells cells) {
  if (filled(cells) == 0) return;
  waiting_.push_back({row, std::move(cells)});
  if (is_decided_ || waiting_.size() >= rows_looked_at) flush();
}

void TableWriter::finish() { flush(); }

void TableWriter::flush() {
  std::size_t header = waiting_.size();
  if (!is_decided_) {
    std::size_t filled_max = 0;
    for (const Waiting& row : waiting_) filled_max = std::max(filled_max, filled(row.cells));
    for (std::size_t i = std::min(header_row_max, waiting_.size()); i > 0; --i)
      if (i < waiting_.size() && looks_like_header(waiting_[i - 1].cells, filled_max))
        header = i - 1;
    is_decided_ = true;
  }
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    write(waiting_[i], !headers_.empty());
    if (i == header)
      for (const TableCell& cell : waiting_[i].cells) headers_.push_back(folded(cell.text));
  }
  waiting_.clear();
}

void TableWriter::write(const Waiting& row, bool is_below_header) {
  if (!out_.empty() && !out_.text().ends_with('\n')) out_.synthetic("\n");
  const std::size_t start = out_.text().size();
  out_.synthetic("|");
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const TableCell& cell = row.cells[i];
    if (is_blank(cell)) {
      if (!is_below_header) out_.synthetic("  |");
      continue;
    }
    out_.synthetic(" ");
    if (is_below_header && i < headers_.size() && !headers_[i].empty())
      out_.synthetic(headers_[i] + ": ");
    write_cell(cell);
    out_.synthetic(" |");
  }
  rows_.push_back({start, out_.text().size(), sheet_, row.row});
}

void TableWriter::write_cell(const TableCell& cell) {
  std::string text = cell.text;
  std::vector<SourceMap::Piece> pieces = cell.pieces;
  if (pieces.empty()) pieces.push_back({0, text.size(), 0, text.size()});
  const Invisible invisible = find_invisible(text);
  invisible_ += invisible.characters;
  remove_spans(text, pieces, invisible.spans);
  if (cell.pieces.empty()) return out_.synthetic(folded(text));
  const std::string_view visible = trimmed(text);
  const auto from = static_cast<std::size_t>(visible.data() - text.data());
  const std::size_t to = from + visible.size();
  for (const SourceMap::Piece& piece : pieces) {
    const std::size_t start = std::max(piece.text_start, from);
    const std::size_t end = std::min(piece.text_start + piece.length, to);
    if (start >= end) continue;
    const std::string_view part = std::string_view(text).substr(start, end - start);
    if (piece.length == piece.byte_end - piece.byte_start)
      out_.verbatim(part, piece.byte_start + (start - piece.text_start));
    else
      out_.unit(part, piece.byte_start, piece.byte_end);
  }
}

}  // namespace slipway::documents::detail
