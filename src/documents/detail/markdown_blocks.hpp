// The block structure of Markdown, as far as places need it: what is code, where headings are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

/// Comments that no reader sees: `<!-- ... -->` outside code, `[//]: # (...)`, and script and style
/// blocks.
struct MarkdownComments {
  std::vector<Span> spans;  ///< Sorted, not overlapping.
  std::size_t characters = 0;
};
MarkdownComments find_markdown_comments(std::string_view text, std::size_t start);

/// ATX and setext headings and `<h1>`..`<h6>`, outside code, from byte `start` on (after the front
/// matter).
std::vector<SourceMap::Heading> find_markdown_headings(std::string_view text, std::size_t start);

/// With markup; what is longer is no title.
inline constexpr std::size_t markdown_title_bytes_max = 600;

/// The text of a line without its inline markup: "**Bold** [link](x)" -> "Bold link".
std::string plain_inline(std::string_view line);

}  // namespace slipway::documents::detail
