#include "documents/detail/lines.hpp"

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

bool is_blank_byte(char c) { return c == ' ' || c == '\t'; }

/// Reads one line's marks from the left.
class LineReader {
 public:
  LineReader(std::string_view text, Line& line) : text_(text), line_(line) {}

  void read() {
    at_ = line_.span.start;
    end_ = trimmed_end();
    line_.width = unicode::length(text_.substr(at_, end_ - at_));
    skip_blanks();
    while (at_ < end_ && text_[at_] == '>') {
      ++line_.quote_depth;
      ++at_;
      line_.indent = 0;
      skip_blanks();
    }
    skip_other_space();
    line_.kind = kind();
    const std::string_view content = unicode::trim(text_.substr(at_, std::max(at_, end_) - at_));
    const auto start = static_cast<std::size_t>(content.data() - text_.data());
    line_.content = {start, start + content.size()};
  }

 private:
  std::size_t trimmed_end() const {
    const std::string_view whole = text_.substr(line_.span.start, line_.span.size());
    const std::string_view trimmed = unicode::trim(whole);
    if (trimmed.empty()) return line_.span.start;
    return line_.span.start + static_cast<std::size_t>(trimmed.data() - whole.data()) +
           trimmed.size();
  }
  void skip_blanks() {
    for (; at_ < end_ && is_blank_byte(text_[at_]); ++at_)
      line_.indent = text_[at_] == '\t' ? (line_.indent / 4 + 1) * 4 : line_.indent + 1;
  }
  void skip_other_space() {
    while (at_ < end_) {
      const unicode::Decoded one = unicode::decode(text_, at_);
      if (!unicode::is_space(one.code_point)) break;
      at_ += one.bytes;
      ++line_.indent;
    }
  }
  std::string_view rest() const { return text_.substr(at_, end_ - at_); }
  bool is_blank_at(std::size_t at) const { return at >= end_ || is_blank_byte(text_[at]); }

  LineKind kind() {
    if (at_ >= end_) return LineKind::blank;
    if (is_fence()) return LineKind::fence;
    if (rest().find_first_not_of("-=*_~+|:# \t") == std::string_view::npos) return LineKind::ruler;
    if (take_heading()) return LineKind::heading;
    if (rest().starts_with('|')) return LineKind::table_row;
    const bool is_item = take_item();
    if (rest().find('\t') != std::string_view::npos) return LineKind::table_row;
    return is_item ? LineKind::item : LineKind::text;
  }

  bool is_fence() const {
    const char mark = rest().front();
    if (mark != '`' && mark != '~') return false;
    const std::size_t count = std::min(rest().find_first_not_of(mark), rest().size());
    return count >= 3 && (mark == '~' || rest().find('`', count) == std::string_view::npos);
  }

  bool take_heading() {
    const char mark = rest().front();
    if (mark != '#' && mark != '=') return false;
    // The wiki style sets its marks apart ("= = Title = ="), so spaces may stand between them.
    std::size_t begin = rest().find_first_not_of(mark == '=' ? "= " : "#");
    if (begin == std::string_view::npos || (mark == '#' && begin > 6)) return false;
    if (!is_blank_byte(rest()[mark == '#' ? begin : begin - 1])) return false;
    at_ += begin;
    skip_other_space();
    // "# Title #": closing marks count only behind a space.
    std::size_t end = end_;
    while (end > at_ && (text_[end - 1] == mark || text_[end - 1] == ' ')) --end;
    if (end > at_ && end < end_ && text_[end] == ' ') end_ = end;
    return true;
  }

  bool take_item() {
    for (const std::string_view bullet : {"-", "*", "+", "•", "‣", "◦", "▪", "●", "○", "■", "⁃"})
      if (rest().starts_with(bullet) && is_blank_at(at_ + bullet.size()))
        return take_mark(bullet.size());
    const bool opens = rest().starts_with('(');
    std::size_t end = at_ + (opens ? 1 : 0);
    const std::size_t first = end;
    while (end < end_ && end - first < 9 && text_[end] >= '0' && text_[end] <= '9') ++end;
    const bool is_letter =
        end == first && end < end_ && unicode::is_letter(static_cast<unsigned char>(text_[end]));
    if (is_letter && static_cast<unsigned char>(text_[end]) < 0x80) ++end;
    if (end == first || end >= end_) return false;
    // "a." begins too many ordinary lines; "a)" and "(a)" do not.
    if (text_[end] != ')' && (text_[end] != '.' || opens || is_letter)) return false;
    if (!is_blank_at(end + 1)) return false;
    if (!is_letter) {
      line_.number = 0;
      for (std::size_t i = first; i < end; ++i) line_.number = line_.number * 10 + (text_[i] - '0');
    }
    return take_mark(end + 1 - at_);
  }

  bool take_mark(std::size_t bytes) {
    at_ += bytes;
    skip_rest_of_mark();
    for (const std::string_view box : {"[ ]", "[x]", "[X]"})  // Of a task list.
      if (rest().starts_with(box) && is_blank_at(at_ + box.size())) {
        at_ += box.size();
        skip_rest_of_mark();
      }
    return true;
  }
  void skip_rest_of_mark() {
    while (at_ < end_ && is_blank_byte(text_[at_])) ++at_;
  }

  std::string_view text_;
  Line& line_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

struct LineBreak {
  std::size_t bytes = 0;
  bool ends_page = false;
};

/// The line break at `at`: LF, CR LF, CR, VT, NEL, LS, and the page breaks FF and PS.
LineBreak line_break_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\n' || c == '\v') return {1, false};
  if (c == '\r') return {text.substr(at, 2) == "\r\n" ? 2u : 1u, false};
  if (c == '\f') return {1, true};
  if (c == '\xC2' && text.substr(at, 2) == "\u0085") return {2, false};
  if (c == '\xE2' && text.substr(at, 3) == "\u2028") return {3, false};
  if (c == '\xE2' && text.substr(at, 3) == "\u2029") return {3, true};
  return {};
}

}  // namespace

std::vector<Line> find_lines(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t start = 0; start < text.size();) {
    std::size_t end = start;
    LineBreak line_break;
    while (end < text.size() && (line_break = line_break_at(text, end)).bytes == 0) ++end;
    Line line;
    line.span = {start, end};
    line.ends_page = line_break.ends_page;
    LineReader(text, line).read();
    lines.push_back(line);
    start = end + line_break.bytes;
  }
  return lines;
}

}  // namespace slipway::documents::detail
