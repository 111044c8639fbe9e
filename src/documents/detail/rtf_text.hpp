// Builds the text of an RTF: breaks between paragraphs, marks of items, bars between cells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

class RtfText {
 public:
  /// A character of the current paragraph.
  void add(std::string_view text, std::size_t start, std::size_t end);
  /// Text that stands nowhere in the source; nothing where no paragraph is open.
  void add_synthetic(std::string_view text) {
    if (is_open_) text_.synthetic(text);
  }
  void hide(std::string_view text);
  /// Before the first character of a paragraph: "1." or a bullet.
  void set_mark(std::string mark) { mark_ = std::move(mark); }
  /// 1..9; 0: no heading.
  void set_heading(int level) { heading_ = level; }
  void set_in_table(bool in_table) { in_table_ = in_table; }

  void end_paragraph();
  void end_cell();
  void end_row();

  /// All that was built; nothing may follow.
  void move_to(Document& document);

 private:
  void open();
  void close_row();
  bool in_row() const { return row_is_open_; }

  VisibleText text_;
  std::string mark_;
  int heading_ = 0;
  bool in_table_ = false;
  bool is_open_ = false;  ///< The paragraph or cell has a character.
  bool row_is_open_ = false;
  bool last_was_item_ = false;
  bool last_was_row_ = false;
  std::size_t paragraph_start_ = 0;
  std::vector<SourceMap::Heading> headings_;
  std::size_t hidden_ = 0;
};

}  // namespace slipway::documents::detail
