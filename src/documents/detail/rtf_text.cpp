#include "documents/detail/rtf_text.hpp"

#include <algorithm>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents::detail {

void RtfText::open() {
  is_open_ = true;
  if (in_table_) {
    if (!row_is_open_) {
      if (!text_.empty()) text_.synthetic(last_was_row_ ? "\n|" : "\n\n|");
      if (text_.empty()) text_.synthetic("|");
      row_is_open_ = true;
    }
    text_.synthetic(" ");
    return;
  }
  close_row();
  const bool is_item = !mark_.empty();
  const bool is_led = is_item && (last_was_item_ || text_.text().ends_with(':'));
  if (!text_.empty()) text_.synthetic(is_led ? "\n" : "\n\n");
  paragraph_start_ = text_.size();
  if (is_item) text_.synthetic(mark_ + " ");
  last_was_item_ = is_item;
  last_was_row_ = false;
}

void RtfText::add(std::string_view text, std::size_t start, std::size_t end) {
  const bool is_blank = unicode::trim(text).empty();
  if (!is_open_ && is_blank) return;
  if (!is_open_) open();
  // A row is one line.
  text_.add(in_row() && is_blank && text != " " ? " " : text, start, end);
}

void RtfText::hide(std::string_view text) {
  if (!unicode::trim(text).empty()) hidden_ += unicode::length(text);
}

void RtfText::end_paragraph() {
  if (in_table_) {
    if (is_open_) text_.synthetic(" ");
    mark_.clear();
    return;
  }
  if (is_open_ && heading_ > 0) {
    std::string title = clean_title(std::string_view(text_.text()).substr(paragraph_start_));
    headings_.push_back({paragraph_start_, std::clamp(heading_, 1, 6), std::move(title)});
  }
  is_open_ = false;
  mark_.clear();
}

void RtfText::end_cell() {
  in_table_ = true;
  if (!is_open_) open();
  text_.synthetic(" |");
  is_open_ = false;
  mark_.clear();
}

void RtfText::end_row() {
  close_row();
  is_open_ = false;
  in_table_ = false;
}

void RtfText::close_row() {
  if (!row_is_open_) return;
  row_is_open_ = false;
  last_was_row_ = true;
  last_was_item_ = false;
}

void RtfText::move_to(Document& document) {
  end_paragraph();
  warn_of_hidden(hidden_ + text_.invisible(), document);
  MappedText mapped = text_.take();
  document.map.pieces = mapped.take_pieces();
  document.text = mapped.take_text();
  document.map.headings = std::move(headings_);
  if (document.title.empty() && !document.map.headings.empty())
    document.title = document.map.headings.front().title;
}

}  // namespace slipway::documents::detail
