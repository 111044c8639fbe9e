// One line of a text, as far as blocks care.
#pragma once

#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

enum class LineKind {
  blank,
  ruler,      ///< Only dashes, stars, equals signs ...: a rule, an underline, a table's delimiter.
  fence,      ///< ``` or ~~~, which may open or close a code block.
  heading,    ///< "# Title", "== Title ==".
  table_row,  ///< "| a | b |", or cells between tabs.
  item,       ///< "- x", "1. x", "(a) x".
  text,
};

struct Line {
  Span span;     ///< To the line break, exclusive.
  Span content;  ///< Without white space, quote marks, and the mark of an item or heading.
  LineKind kind = LineKind::blank;
  std::size_t indent = 0;  ///< Columns before the mark or the content; a tab goes to the next 4.
  std::size_t width = 0;   ///< Code points up to the last that is not white space.
  int quote_depth = 0;     ///< Of '>'.
  int number = -1;         ///< Of a numbered item.
  bool ends_page = false;  ///< A form feed or paragraph separator follows.
};

/// All lines, classified one by one except table rows without outer bars, which need neighbours.
std::vector<Line> find_lines(std::string_view text);

}  // namespace slipway::documents::detail
