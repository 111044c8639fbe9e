#include "documents/detail/html_lines.hpp"

#include <algorithm>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

bool is_html_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

}  // namespace

void HtmlLines::add(const AlignedText& part, bool is_preformatted) {
  const bool is_verbatim = part.text.size() == part.byte_end - part.byte_start;
  const auto slice = [&](std::size_t from, std::size_t to) {
    if (!is_verbatim)
      return AlignedText{part.text.substr(from, to - from), part.byte_start, part.byte_end};
    return AlignedText{part.text.substr(from, to - from), part.byte_start + from,
                       part.byte_start + to};
  };
  for (std::size_t at = 0; at < part.text.size();) {
    std::size_t end = at;
    if (is_html_space(part.text[at]) && !is_preformatted) {
      while (end < part.text.size() && is_html_space(part.text[end])) ++end;
      const AlignedText space = slice(at, end);
      add_space(space.byte_start, space.byte_end);
      at = end;
      continue;
    }
    // A word at a time; characters beyond ASCII one at a time, because some are invisible.
    while (end < part.text.size() && static_cast<unsigned char>(part.text[end]) < 0x80 &&
           (is_preformatted || !is_html_space(part.text[end])))
      ++end;
    if (end > at) {
      start_character();
      const AlignedText word = slice(at, end);
      mapped_.unit(word.text, word.byte_start, word.byte_end);
      before_ = static_cast<unsigned char>(part.text[end - 1]);
    } else {
      end = at + unicode::decode(part.text, at).bytes;
      const unicode::Decoded now = unicode::decode(part.text, at);
      const char32_t after =
          end < part.text.size() ? unicode::decode(part.text, end).code_point : U'\0';
      if (is_hidden_character(before_, now.code_point, after)) {
        ++invisible_;
      } else {
        add_character(slice(at, end));
        before_ = now.code_point;
      }
    }
    at = end;
  }
}

void HtmlLines::add_space(std::size_t byte_start, std::size_t byte_end) {
  before_ = ' ';
  if (is_space_due_ && is_space_known_) return;
  is_space_due_ = true;
  is_space_known_ = true;
  space_start_ = byte_start;
  space_end_ = byte_end;
}

void HtmlLines::add_character(const AlignedText& part) {
  start_character();
  mapped_.unit(part.text, part.byte_start, part.byte_end);
}

/// Sets what is due before a visible character: of break, tab and space only the strongest.
void HtmlLines::start_character() {
  const bool is_line_open = !mapped_.empty() && mapped_.text().back() != '\n';
  if (breaks_ > 0 && !mapped_.empty()) {
    // A preformatted block may have ended in line breaks of its own.
    const std::string_view text = mapped_.text();
    const int there = text.ends_with("\n\n") ? 2 : text.ends_with('\n');
    for (int i = there; i < breaks_; ++i) mapped_.synthetic("\n");
  } else if (is_cell_due_ && is_line_open) {
    mapped_.synthetic("\t");
  } else if (is_space_due_ && is_line_open && mapped_.text().back() != ' ') {
    if (is_space_known_)
      mapped_.unit(" ", space_start_, space_end_);
    else
      mapped_.synthetic(" ");
  }
  breaks_ = 0;
  is_cell_due_ = false;
  is_space_due_ = false;
  is_space_known_ = false;
}

}  // namespace slipway::documents::detail
