// Gumbo gives for a text node its decoded text and the stretch of source that it came from, but not
// which character came from which bytes. Here the two are walked side by side.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace slipway::documents::detail {

/// How the tokenizer read the stretch.
enum class HtmlContent {
  text,     ///< Tags and entities: almost everything.
  foreign,  ///< The same with CDATA sections: inside <svg> and <math>.
  title,    ///< Entities only: <title>, <textarea>.
  raw,      ///< Neither: <xmp>, <plaintext>.
};

/// A text node: its decoded text and the stretch of the document that it came from.
struct HtmlStretch {
  std::string_view source;  ///< The whole document.
  std::size_t byte_start = 0;
  std::size_t byte_end = 0;
  std::string_view text;
  HtmlContent content = HtmlContent::text;
};

/// Part of a node's text and its source bytes. Equal sizes mean that they are the same bytes.
struct AlignedText {
  std::string_view text;
  std::size_t byte_start = 0;
  std::size_t byte_end = 0;
};

/// Calls `sink` for parts that stand verbatim in the source and for single characters that do not
/// (entities, line ends), which together are all of the text, in order. Where the two cannot be
/// matched, every character of the rest maps to the whole rest of the stretch.
void align_html_text(const HtmlStretch& stretch,
                     const std::function<void(const AlignedText&)>& sink);

}  // namespace slipway::documents::detail
