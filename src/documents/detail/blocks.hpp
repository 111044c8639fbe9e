// The blocks of a text: the stretches that no sentence may leave.
#pragma once

#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct Block {
  Span span;  ///< Without white space around it and without the mark of a list, quote or heading.
  bool is_divisible = true;  ///< Running text; false for a heading, a table row, a line of code.
};

/// Paragraphs, list items, headings, table rows and lines of code, in order. Works on Markdown, on
/// what the HTML and PDF loaders write (a line per block) and on hard-wrapped plain text. Rulers,
/// underlines and fences belong to none.
std::vector<Block> find_blocks(std::string_view text);

}  // namespace slipway::documents::detail
