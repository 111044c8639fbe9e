// Text that is built piece by piece together with its map to the source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

/// Appends text and remembers where it came from; pieces that go on where the last one ended join.
class MappedText {
 public:
  /// `text` as it stands at `byte_start` of the source.
  void verbatim(std::string_view text, std::size_t byte_start) {
    unit(text, byte_start, byte_start + text.size());
  }
  /// One code point that the source writes as the bytes [byte_start, byte_end).
  void unit(std::string_view text, std::size_t byte_start, std::size_t byte_end);
  /// Text that stands nowhere in the source, like the line break between two paragraphs.
  void synthetic(std::string_view text) { text_ += text; }

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  const std::vector<SourceMap::Piece>& pieces() const { return pieces_; }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }

  std::string take_text() { return std::move(text_); }
  std::vector<SourceMap::Piece> take_pieces() { return std::move(pieces_); }

 private:
  std::string text_;
  std::vector<SourceMap::Piece> pieces_;
};

/// The pieces of a text of a text: `outer` leads into the text that `inner` maps to its source.
std::vector<SourceMap::Piece> compose(const std::vector<SourceMap::Piece>& outer,
                                      const SourceMap& inner);

/// What a reader cannot see, found in a text.
struct Invisible {
  std::vector<Span> spans;     ///< Sorted, not touching.
  std::size_t characters = 0;  ///< Code points.
};

/// Whether the reader of a text sees nothing where this code point stands: zero-width and
/// bidirectional controls, private use. A joiner stays where it changes how its neighbours look
/// (Arabic and Indic scripts, emoji).
bool is_hidden_character(char32_t before, char32_t c, char32_t after);

/// Builds text like MappedText, without what a reader does not see, which it counts, and without
/// control characters other than tab and line ends.
class VisibleText {
 public:
  /// As MappedText::verbatim when the sizes are equal, else as one unit.
  void add(std::string_view text, std::size_t byte_start, std::size_t byte_end);
  void synthetic(std::string_view text);

  std::size_t size() const { return mapped_.text().size(); }
  bool empty() const { return mapped_.empty(); }
  const std::string& text() const { return mapped_.text(); }
  std::size_t invisible() const { return invisible_; }
  MappedText take() { return std::move(mapped_); }

 private:
  MappedText mapped_;
  char32_t before_ = 0;
  std::size_t invisible_ = 0;
};

Invisible find_invisible(std::string_view text);

/// `text` and its pieces without `spans`, which are sorted and do not overlap.
void remove_spans(std::string& text, std::vector<SourceMap::Piece>& pieces,
                  const std::vector<Span>& spans);

}  // namespace slipway::documents::detail
