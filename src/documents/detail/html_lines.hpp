// Builds the text of a page: folds white space and sets the breaks between blocks.
#pragma once

#include <string_view>

#include "documents/detail/html_alignment.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

class HtmlLines {
 public:
  /// At least `lines` line breaks (1: new line, 2: blank line) before the next character.
  void break_lines(int lines) { breaks_ = std::max(breaks_, lines); }
  /// One more line break, up to a blank line: <br>.
  void add_break() { breaks_ = std::min(breaks_ + 1, 2); }
  /// A tab before the next character of the same line: between the cells of a row.
  void separate_cells() { is_cell_due_ = true; }
  /// A space before the next character of the same line, that stands nowhere in the source.
  void separate_words() { is_space_due_ = true; }

  /// Not more line breaks than these before the next character.
  void limit_breaks(int lines) { breaks_ = std::min(breaks_, lines); }
  /// Text that stands nowhere in the source, as it is: the mark of an item, a fence.
  void add_mark(std::string_view text) {
    start_character();
    mapped_.synthetic(text);
    before_ = 0;
  }

  /// Text of a node; white space is kept when `is_preformatted`.
  void add(const AlignedText& part, bool is_preformatted);

  const std::string& text() const { return mapped_.text(); }
  /// Code points that were left out because nobody sees them.
  std::size_t invisible() const { return invisible_; }
  MappedText take() { return std::move(mapped_); }

 private:
  void add_space(std::size_t byte_start, std::size_t byte_end);
  void add_character(const AlignedText& part);
  void start_character();

  MappedText mapped_;
  int breaks_ = 0;
  bool is_cell_due_ = false;
  bool is_space_due_ = false;
  bool is_space_known_ = false;  ///< The space due has bytes of its own.
  std::size_t space_start_ = 0;
  std::size_t space_end_ = 0;
  char32_t before_ = 0;  ///< The last character, for joiners.
  std::size_t invisible_ = 0;
};

}  // namespace slipway::documents::detail
