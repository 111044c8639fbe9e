// The one hard question here is whether a line goes on in the next one, because the same line break
// means three things: Markdown and mail wrap paragraphs at a width, HTML and slides put a block on
// each line, and PDF does both. What decides: how the line ends, how the next one begins, and
// whether the next word would still have fitted into the width of the lines around (if it would,
// nobody was wrapping). When in doubt, the line ends the block: half a sentence is a lesser evil in
// a quotation than a menu, a title and the next paragraph run together.
#include "documents/detail/blocks.hpp"

#include <array>
#include <optional>

#include "core/unicode.hpp"
#include "documents/detail/lines.hpp"
#include "documents/detail/sentence_rules.hpp"

namespace slipway::documents::detail {

namespace {

/// Shorter lines are hardly wrapped paragraphs; longer ones are whole paragraphs, unless several
/// are about as long.
constexpr std::size_t wrapped_width_min = 50;
constexpr std::size_t lone_width_max = 120;
constexpr std::size_t wrapped_width_max = 200;

/// Words that end no sentence and no list item.
constexpr std::string_view connecting_words[] = {
    "a",     "about", "an",    "and",  "are",   "as",   "at",     "be",   "by",   "can",
    "could", "for",   "from",  "has",  "have",  "in",   "into",   "is",   "its",  "may",
    "must",  "of",    "on",    "or",   "our",   "over", "should", "such", "than", "that",
    "the",   "their", "these", "this", "those", "to",   "under",  "was",  "were", "when",
    "where", "which", "will",  "with", "would", "your"};

/// Consecutive lines of running text.
struct Run {
  std::size_t width_max = 0;
  bool all_capitalized = true;  ///< Every line begins like a sentence: a list, not a wrap.
  /// Between these widths a line may be a wrapped one.
  std::size_t width_min = wrapped_width_min;
  std::size_t wrapped_width_max = lone_width_max;
};

class BlockFinder {
 public:
  explicit BlockFinder(std::string_view text) : text_(text), lines_(find_lines(text)) {}

  std::vector<Block> run() {
    mark_open_tables();
    for (at_ = 0; at_ < lines_.size(); ++at_) {
      if (at_ >= run_end_) measure_run();
      take(lines_[at_]);
      if (lines_[at_].ends_page) close();
      last_was_blank_ = lines_[at_].kind == LineKind::blank;
    }
    close();
    return std::move(blocks_);
  }

 private:
  std::string_view content(const Line& line) const {
    return text_.substr(line.content.start, line.content.size());
  }

  /// Rows without outer bars are known by the delimiter below the first: "a | b", "--|--".
  void mark_open_tables() {
    const auto has_bar = [&](const Line& line) {
      return (line.kind == LineKind::text || line.kind == LineKind::item) &&
             content(line).find('|') != std::string_view::npos;
    };
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      const std::string_view delimiter = content(lines_[i]);
      if (lines_[i].kind != LineKind::ruler || delimiter.find('|') == std::string_view::npos ||
          delimiter.find('-') == std::string_view::npos || !has_bar(lines_[i - 1]))
        continue;
      lines_[i - 1].kind = LineKind::table_row;
      while (++i < lines_.size() && has_bar(lines_[i])) lines_[i].kind = LineKind::table_row;
    }
    // Without a delimiter two neighbours must look like rows, or one very much.
    bool last_has_cells = false;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const bool has_cells = is_running(lines_[i]) && cells(lines_[i]) > 1;
      if (has_cells && last_has_cells) lines_[i - 1].kind = LineKind::table_row;
      if (has_cells && (last_has_cells || cells(lines_[i]) > 2))
        lines_[i].kind = LineKind::table_row;
      last_has_cells = has_cells;
    }
  }
  std::size_t cells(const Line& line) const {
    constexpr std::string_view gap = " | ";
    const std::string_view text = content(line);
    std::size_t count = 1;
    for (std::size_t at = text.find(gap); at != text.npos; at = text.find(gap, at + 2)) ++count;
    return count;
  }

  static bool is_running(const Line& line) {
    return line.kind == LineKind::text || line.kind == LineKind::item;
  }

  void measure_run() {
    run_ = Run();
    for (run_end_ = at_; run_end_ < lines_.size() && is_running(lines_[run_end_]); ++run_end_)
      run_.width_max = std::max(run_.width_max, lines_[run_end_].width);
    std::size_t longish = 0, longest = 0, capitalized = 0;
    for (std::size_t i = at_; i < run_end_; ++i) {
      longish += lines_[i].width * 10 >= run_.width_max * 7;
      longest += lines_[i].width * 10 >= run_.width_max * 9;
      capitalized += begins_like_sentence(lines_[i]);
    }
    const std::size_t count = run_end_ - at_;
    run_.all_capitalized = count >= 3 && capitalized == count;
    if (longest >= 2) run_.wrapped_width_max = wrapped_width_max;
    // A narrow column (of a PDF, say): most lines fill it and most go on in small letters.
    constexpr std::size_t column_min = 30;
    if (count >= 4 && run_.width_max >= column_min && longish * 4 >= count * 3 &&
        capitalized * 5 <= count * 3)
      run_.width_min = std::min(run_.width_min, run_.width_max * 3 / 4);
    run_end_ = std::max(run_end_, at_ + 1);
  }

  bool begins_like_sentence(const Line& line) const {
    const char32_t first = first_character(content(line));
    return line.number < 0 && !unicode::is_lower(first) && !unicode::is_number(first) &&
           !unicode::is_cjk(first);
  }

  void take(const Line& line) {
    switch (line.kind) {
      case LineKind::blank:
      case LineKind::ruler: close(); break;
      case LineKind::fence: take_fence(line); break;
      case LineKind::heading:
      case LineKind::table_row: add_single(line); break;
      case LineKind::item: take_item(line); break;
      case LineKind::text: take_text(line); break;
    }
  }

  void add_single(const Line& line) {
    close();
    if (line.content.size() > 0) blocks_.push_back({line.content, false});
    in_list_ = false;
  }

  /// Lines between two fences stand alone. A fence that nothing closes is only a line of marks: it
  /// may be the end of a code block whose beginning was cut away.
  void take_fence(const Line& opening) {
    const std::string_view fence = content(opening);
    const char mark = fence.front();
    const std::size_t count = std::min(fence.find_first_not_of(mark), fence.size());
    const bool is_underline = mark == '~' && count == fence.size() && open_.has_value();
    close();
    std::size_t& hopeless = never_closed_[mark == '~'];
    if (is_underline || count >= hopeless) return;
    std::size_t closing = at_ + 1;
    while (closing < lines_.size() && !closes(lines_[closing], mark, count)) ++closing;
    if (closing == lines_.size()) {
      hopeless = count;  // So that many openings do not each search to the end.
      return;
    }
    for (++at_; at_ < closing; ++at_) {
      const std::string_view line = text_.substr(lines_[at_].span.start, lines_[at_].span.size());
      const std::string_view code = unicode::trim(line);
      if (code.empty()) continue;
      const std::size_t start =
          lines_[at_].span.start + static_cast<std::size_t>(code.data() - line.data());
      blocks_.push_back({{start, start + code.size()}, false});
    }
  }
  bool closes(const Line& line, char mark, std::size_t count) const {
    return line.kind == LineKind::fence && content(line).size() >= count &&
           content(line).find_first_not_of(mark) == std::string_view::npos;
  }

  void take_item(const Line& line) {
    if (open_ && line.number >= 0) {
      // A number that was wrapped to the start of a line: its mark is part of the text.
      Line whole = line;
      const std::string_view all =
          text_.substr(line.span.start, line.content.end - line.span.start);
      whole.content.start = line.span.start + all.find_first_not_of("> \t");
      if (!interrupts(line) && joins(open_line_, whole)) return extend(whole);
    }
    close();
    in_list_ = true;
    last_number_ = line.number;
    open(line);
  }

  bool interrupts(const Line& line) const {
    if (line.quote_depth != open_line_.quote_depth || line.number <= 1) return true;
    return in_list_ && last_number_ >= 0 &&
           (line.number == last_number_ || line.number == last_number_ + 1);
  }

  void take_text(const Line& line) {
    if (open_ && open_line_.quote_depth == line.quote_depth && joins(open_line_, line))
      return extend(line);
    const bool starts_after_blank = !open_ && (last_was_blank_ || at_ == 0 || in_code_);
    close();
    if (line.indent < 2) in_list_ = false;
    constexpr std::size_t code_indent = 4;
    if (starts_after_blank && line.indent >= code_indent && !in_list_ && !reads_as_prose(line)) {
      blocks_.push_back({line.content, false});
      in_code_ = true;
      return;
    }
    open(line);
  }

  /// Five words or more and hardly anything but letters.
  bool reads_as_prose(const Line& line) const {
    std::size_t words = 1, letters = 0, all = 0;
    const std::string_view text = content(line);
    for (std::size_t at = 0; at < text.size(); ++all) {
      const unicode::Decoded one = unicode::decode(text, at);
      words += one.code_point == ' ';
      letters += one.code_point == ' ' || unicode::is_letter(one.code_point);
      at += one.bytes;
    }
    return words >= 5 && letters * 10 >= all * 9 && text.back() != ';';
  }

  void open(const Line& line) {
    if (line.content.size() == 0) return;
    open_ = Block{line.content, true};
    open_line_ = line;
    in_code_ = false;
    open_is_item_ = line.kind == LineKind::item;
    item_indent_ = line.indent + 1;
  }
  void extend(const Line& line) {
    open_->span.end = line.content.end;
    open_line_ = line;
  }
  void close() {
    if (open_) blocks_.push_back(*open_);
    open_.reset();
    in_code_ = in_code_ && lines_.size() > at_ && lines_[at_].kind == LineKind::text;
  }

  bool joins(const Line& line, const Line& next) const {
    const std::string_view text = content(line);
    const std::string_view following = content(next);
    constexpr std::string_view column_gap = "   ";
    if (text.find(column_gap) != text.npos || following.find(column_gap) != following.npos)
      return false;
    // Indented below its mark, a line goes on in the item whatever its length.
    if (open_is_item_ && next.indent > item_indent_) return true;
    const bool is_long = line.width >= run_.width_min;
    const LineEnd end = line_end(text, following);
    if (end == LineEnd::abbreviation) return true;
    if (end == LineEnd::sentence) return is_long;  // Then the rules of sentences decide.
    if (is_key_value(text) && is_key_value(following)) return false;
    const char32_t last = last_character(text);
    const char32_t first = first_character(following);
    if (last == U':') return is_long && unicode::is_lower(first);
    constexpr std::size_t phrase_min = 20;
    const bool goes_on = last == U',' || last == U';' || last == U'-' || last == U'(' ||
                         ends_with_connecting_word(text);
    if (goes_on && line.width >= phrase_min) return true;
    if (unicode::is_lower(first))
      return goes_on || is_long ||
             (line.width >= phrase_min && !is_technical(first_word(following)));
    if (unicode::is_cjk(last) && unicode::is_cjk(first))
      return line.width >= phrase_min && line.width + 2 > run_.width_max;
    if (!is_long || run_.all_capitalized || line.width > run_.wrapped_width_max) return false;
    return line.width + 1 + unicode::length(first_word(following)) > run_.width_max;
  }

  static char32_t last_character(std::string_view text) {
    return unicode::decode(text, unicode::floor_boundary(text, text.size() - 1)).code_point;
  }
  /// Quotation marks and brackets before it do not count.
  static char32_t first_character(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const unicode::Decoded one = unicode::decode(text, at);
      if (!is_opener(one.code_point)) return one.code_point;
      at += one.bytes;
    }
    return 0;
  }
  static std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find_first_of(" \t"));
  }
  /// "max_connections": a list of settings or functions has one on each line.
  static bool is_technical(std::string_view word) {
    return word.find_first_of("_()=/0123456789") != std::string_view::npos;
  }
  static bool ends_with_connecting_word(std::string_view text) {
    const std::size_t space = text.find_last_of(" \t");
    if (space == std::string_view::npos) return false;
    const std::string_view word = text.substr(space + 1);
    return std::find(std::begin(connecting_words), std::end(connecting_words), word) !=
           std::end(connecting_words);
  }
  /// "author: A. Smith", as in front matter and forms.
  static bool is_key_value(std::string_view text) {
    const std::size_t colon = text.find(": ");
    return colon != std::string_view::npos && colon > 0 &&
           text.substr(0, colon).find_first_of(" \t") == std::string_view::npos;
  }

  const std::string_view text_;
  std::vector<Line> lines_;
  std::vector<Block> blocks_;
  std::size_t at_ = 0;
  std::optional<Block> open_;
  Line open_line_;  ///< The last line of `open_`.
  Run run_;
  std::size_t run_end_ = 0;
  bool last_was_blank_ = true;
  bool in_list_ = false;
  bool in_code_ = false;
  bool open_is_item_ = false;
  std::size_t item_indent_ = 0;  ///< More than one column to the right of the item's mark.
  int last_number_ = -1;
  /// Fences of ` and ~ with at least this many marks have no closing one in the rest of the text.
  std::array<std::size_t, 2> never_closed_{std::string_view::npos, std::string_view::npos};
};

}  // namespace

std::vector<Block> find_blocks(std::string_view text) { return BlockFinder(text).run(); }

}  // namespace slipway::documents::detail
