// Where one sentence ends and the next begins inside a block of running text.
#pragma once

#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

/// Appends the sentences of `block` to `out`: trimmed, in order, covering all but white space (and
/// quote marks at the start of a line).
void append_sentences(std::string_view text, Span block, std::vector<Span>& out);

enum class LineEnd {
  open,          ///< In the middle of something, as far as the line itself tells.
  sentence,      ///< With . ! ? and the like, perhaps behind quotation marks.
  abbreviation,  ///< With one that the next line must complete.
};
LineEnd line_end(std::string_view line, std::string_view following);

/// Quotation marks, brackets and emphasis that may stand before the first word.
bool is_opener(char32_t c);

}  // namespace slipway::documents::detail
