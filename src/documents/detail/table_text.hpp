// Tables that are documents of their own: every row says the names of its columns, because a chunk
// or a quotation from the middle of a table means nothing without them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

struct TableCell {
  std::string text;                      ///< One line.
  std::vector<SourceMap::Piece> pieces;  ///< Of `text`; empty where the source is no text.
};
using TableCells = std::vector<TableCell>;

/// Writes "| Name: Ada | Age: 36 |" for the rows below a header, "| Name | Age |" for the header
/// and for rows without one. Blank rows and cells are left out. Which of the first rows is the
/// header is decided once enough of them are known.
class TableWriter {
 public:
  TableWriter(MappedText& out, std::vector<SourceMap::Row>& rows, int sheet = -1)
      : out_(out), rows_(rows), sheet_(sheet) {}

  void add(std::int64_t row, TableCells cells);
  void finish();

  const std::vector<std::string>& headers() const { return headers_; }
  /// Code points left out because nobody sees them.
  std::size_t invisible() const { return invisible_; }

 private:
  struct Waiting {
    std::int64_t row = 0;
    TableCells cells;
  };
  void flush();
  void write(const Waiting& row, bool is_below_header);
  void write_cell(const TableCell& cell);

  MappedText& out_;
  std::vector<SourceMap::Row>& rows_;
  int sheet_;
  bool is_decided_ = false;
  std::vector<Waiting> waiting_;
  std::vector<std::string> headers_;  ///< Clean, by column; empty when there is no header.
  std::size_t invisible_ = 0;
};

}  // namespace slipway::documents::detail
