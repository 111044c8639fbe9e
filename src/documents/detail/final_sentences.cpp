// Which sentences of a text that is still being written will never move. What ends a block depends
// on the lines around it, but nothing looks across a blank line; only a code fence that is still
// open could take what stands behind it. Inside the last block nothing is sure: one "|" makes its
// last line the row of a table, and a first capital changes where all its sentences end.
#include <algorithm>

#include "core/unicode.hpp"
#include "documents/detail/lines.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents {

namespace {

using detail::Line;
using detail::LineKind;

std::string_view content(std::string_view text, const Line& line) {
  return text.substr(line.content.start, line.content.size());
}

/// The line that closes the fence at `opening`, or the number of lines.
std::size_t find_closing(std::string_view text, const std::vector<Line>& lines,
                         std::size_t opening) {
  const std::string_view fence = content(text, lines[opening]);
  const std::size_t count = std::min(fence.find_first_not_of(fence.front()), fence.size());
  for (std::size_t at = opening + 1; at < lines.size(); ++at) {
    const std::string_view closing = content(text, lines[at]);
    if (lines[at].kind == LineKind::fence && closing.size() >= count &&
        closing.find_first_not_of(fence.front()) == closing.npos)
      return at;
  }
  return lines.size();
}

/// Up to where nothing changes: the last blank line that has its line break, or an open fence.
std::size_t settled_end(std::string_view text, const std::vector<Line>& lines) {
  std::size_t settled = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const Line& line = lines[at];
    if (line.kind == LineKind::blank && line.span.end < text.size()) settled = line.span.start;
    if (line.kind != LineKind::fence) continue;
    const std::size_t closing = find_closing(text, lines, at);
    // The last line may go on, and be no closing fence then.
    if (closing + 1 >= lines.size()) return settled;
    at = closing;
  }
  return settled;
}

}  // namespace

std::size_t final_sentences(std::string_view text) {
  const std::vector<Line> lines = detail::find_lines(text);
  const std::size_t end = settled_end(text, lines);
  const std::vector<Span> sentences = split_sentences(text);
  std::size_t count = 0;
  while (count < sentences.size() && sentences[count].end <= end) ++count;
  return count;
}

}  // namespace slipway::documents
