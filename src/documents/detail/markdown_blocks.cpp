// A line scanner and not md4c: it is linear on any input, it runs without a sandbox, and all it has
// to know is which lines are code. Known differences to CommonMark, none of which moves an offset:
// headings in block quotes and list items are ordinary text, a fence inside a list item ends at its
// closing fence only.
#include "documents/detail/markdown_blocks.hpp"

#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;

struct Line {
  std::size_t start = 0;
  std::size_t end = 0;   ///< Without the line break.
  std::size_t next = 0;  ///< Start of the next line.
};

Line line_at(std::string_view text, std::size_t at) {
  const std::size_t feed = std::min(text.find('\n', at), text.size());
  Line line{at, feed, std::min(feed + 1, text.size())};
  if (line.end > line.start && text[line.end - 1] == '\r') --line.end;
  return line;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n\f\v") == none; }

/// Columns of leading white space; a tab goes to the next multiple of four.
std::size_t indent_of(std::string_view line) {
  std::size_t columns = 0;
  for (const char c : line) {
    if (c == ' ')
      ++columns;
    else if (c == '\t')
      columns += 4 - columns % 4;
    else
      break;
  }
  return columns;
}

std::string_view without_indent(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line;
}

bool starts_list_item(std::string_view line) {
  const std::string_view body = without_indent(line);
  if (body.empty()) return false;
  std::size_t digits = 0;
  while (digits < body.size() && digits < 10 && body[digits] >= '0' && body[digits] <= '9')
    ++digits;
  const bool is_number =
      digits > 0 && digits < body.size() && (body[digits] == '.' || body[digits] == ')');
  const bool is_bullet = body[0] == '-' || body[0] == '*' || body[0] == '+';
  const std::size_t marker = is_number ? digits + 1 : (is_bullet ? 1 : 0);
  return marker > 0 && (marker == body.size() || body[marker] == ' ' || body[marker] == '\t');
}

/// Removes `>` marks in front; how many there were.
std::size_t strip_quotes(std::string_view& line) {
  std::size_t depth = 0;
  while (true) {
    const std::string_view body = without_indent(line);
    if (!body.starts_with('>')) return depth;
    line = body.substr(1);
    ++depth;
  }
}

enum class Kind { blank, code, text };

/// Tells for each line in turn whether it is code.
class Blocks {
 public:
  Kind feed(std::string_view line) {
    const std::size_t quotes = strip_quotes(line);
    if (fence_length_ > 0 && quotes >= fence_quotes_) return in_fence(line);
    fence_length_ = 0;  // The quote that held an unclosed fence is over.
    const bool was_blank = std::exchange(is_after_blank_, is_blank(line));
    if (is_after_blank_) return Kind::blank;
    const std::size_t indent = indent_of(line);
    if (starts_list_item(line) && (indent < 4 || is_in_list_))
      is_in_list_ = true;
    else if (indent == 0 && was_blank)
      is_in_list_ = false;
    const bool is_indented_code = indent >= 4 && !is_in_list_ && (was_blank || was_code_);
    was_code_ = is_indented_code;
    if (is_indented_code) return Kind::code;
    return opens_fence(line, quotes) ? Kind::code : Kind::text;
  }
  bool is_in_list() const { return is_in_list_; }

 private:
  static std::size_t run_length(std::string_view body) {
    if (body.empty() || (body[0] != '`' && body[0] != '~')) return 0;
    return std::min(body.find_first_not_of(body[0]), body.size());
  }
  bool opens_fence(std::string_view line, std::size_t quotes) {
    std::string_view body = without_indent(line);
    if (starts_list_item(body)) {  // "- ```" opens a fence inside the item.
      body.remove_prefix(std::min(body.find_first_of(" \t"), body.size()));
      body = without_indent(body);
    }
    const std::size_t length = run_length(body);
    if (length < 3) return false;
    if (body[0] == '`' && body.find('`', length) != none) return false;  // Inline code.
    fence_mark_ = body[0];
    fence_length_ = length;
    fence_quotes_ = quotes;
    return true;
  }
  Kind in_fence(std::string_view line) {
    const std::string_view body = without_indent(line);
    const std::size_t length = run_length(body);
    if (length >= fence_length_ && body[0] == fence_mark_ && is_blank(body.substr(length))) {
      fence_length_ = 0;
      is_after_blank_ = false;
    }
    return Kind::code;
  }

  char fence_mark_ = '`';
  std::size_t fence_length_ = 0;  ///< Zero outside a fence.
  std::size_t fence_quotes_ = 0;
  bool is_in_list_ = false;
  bool is_after_blank_ = true;
  bool was_code_ = false;
};

/// Where the paragraph of the line at `at` ends: before the next blank line or the next block.
std::size_t paragraph_end(std::string_view text, std::size_t at) {
  at = line_at(text, at).next;
  while (at < text.size()) {
    const Line line = line_at(text, at);
    const std::string_view body = without_indent(text.substr(line.start, line.end - line.start));
    const bool is_other = body.starts_with('#') || body.starts_with('>') ||
                          body.starts_with("```") || body.starts_with("~~~");
    if (is_blank(body) || is_other || starts_list_item(body)) return line.start;
    at = line.next;
  }
  return text.size();
}

/// Finds comments. Keeps for each length of backtick runs whether one of that length still follows
/// in the paragraph, so that unmatched backticks cost no second search.
class CommentFinder {
 public:
  explicit CommentFinder(std::string_view text) : text_(text) {}

  MarkdownComments find(std::size_t start) {
    for (std::size_t at = start; at < text_.size();) {
      const Line line = line_at(text_, at);
      const std::string_view content = text_.substr(line.start, line.end - line.start);
      const bool is_inside_span = line.start < resume_;
      const Kind kind = is_inside_span ? Kind::text : blocks_.feed(content);
      at = line.next;
      if (kind != Kind::text) continue;
      if (line.start >= paragraph_end_) {
        paragraph_end_ = paragraph_end(text_, line.start);
        unmatched_.fill(false);
      }
      at = std::max(at, scan(line, std::max(line.start, resume_)));
    }
    return std::move(found_);
  }

 private:
  /// Looks through a line of text; where to go on, which is after a block that began here.
  std::size_t scan(const Line& line, std::size_t at) {
    if (at >= line.end) return 0;
    std::string_view content = text_.substr(at, line.end - at);
    if (at == line.start) {
      strip_quotes(content);
      content = without_indent(content);
      const std::size_t block = drop_block(line, content);
      if (block > 0) return block;
    }
    while (at < line.end) {
      const char c = text_[at];
      if (c == '\\') {
        at += 2;
      } else if (c == '`') {
        at = after_code_span(at);
      } else if (c == '<' && text_.substr(at, 4) == "<!--") {
        const std::size_t end = comment_end(at);
        if (end == none || end > paragraph_end_) return 0;  // Without its end it is visible.
        drop({at, end});
        at = end;
      } else {
        ++at;
      }
    }
    resume_ = at;  // A code span or comment may reach into later lines.
    return 0;
  }

  /// A block that no reader sees and that starts this line: what follows it, else 0.
  std::size_t drop_block(const Line& line, std::string_view content) {
    const std::size_t start = line.end - content.size();
    if (content.starts_with("<!--")) {
      const std::size_t end = std::min(comment_end(start), text_.size());
      drop({start, end});
      return go_on_at(end);
    }
    for (const std::string_view tag : {"script", "style"}) {
      const std::string lower = unicode::to_lower(content.substr(0, tag.size() + 2));
      if (lower.size() < tag.size() + 2 || !lower.starts_with('<') ||
          lower.substr(1, tag.size()) != tag)
        continue;
      const char after = lower.back();
      if (after != '>' && after != ' ' && after != '\t') continue;
      const std::size_t end = closing_tag_end(start, tag);
      drop({start, end});
      return go_on_at(end);
    }
    if (!is_comment_definition(content)) return 0;
    drop({start, line.end});
    return line.next;
  }

  /// The rest of the line after a dropped block is looked at again.
  std::size_t go_on_at(std::size_t end) {
    resume_ = end;
    const Line line = line_at(text_, end);
    return is_blank(text_.substr(end, line.end - end)) ? line.next : end;
  }

  std::size_t comment_end(std::size_t start) {
    if (text_.substr(start + 4).starts_with('>')) return start + 5;
    if (text_.substr(start + 4).starts_with("->")) return start + 6;
    // The nearest end is the same for every start before it: without this memory a file of
    // openings would be searched to its end for each.
    if (start + 4 < searched_from_ || (close_ != none && close_ < start + 4)) {
      searched_from_ = start + 4;
      close_ = text_.find("-->", start + 4);
    }
    return close_ == none ? none : close_ + 3;
  }

  std::size_t closing_tag_end(std::size_t start, std::string_view tag) const {
    for (std::size_t at = text_.find("</", start); at != none; at = text_.find("</", at + 2)) {
      if (unicode::to_lower(text_.substr(at + 2, tag.size())) != tag) continue;
      const std::size_t end = text_.find('>', at);
      return end == none ? text_.size() : end + 1;
    }
    return text_.size();
  }

  /// "[//]: # (a note)": the customary way to write a comment as an unused link.
  static bool is_comment_definition(std::string_view line) {
    for (const std::string_view label : {"[//]:", "[comment]:", "[_]:"})
      if (line.starts_with(label)) {
        const std::string_view target = without_indent(line.substr(label.size()));
        return target.starts_with("# ") || target.starts_with("<> ");
      }
    return false;
  }

  std::size_t after_code_span(std::size_t at) {
    const std::size_t run_end = std::min(text_.find_first_not_of('`', at), text_.size());
    const std::size_t length = run_end - at;
    if (length >= unmatched_.size() || unmatched_[length]) return run_end;
    for (std::size_t close = text_.find('`', run_end); close < paragraph_end_;) {
      const std::size_t close_end = std::min(text_.find_first_not_of('`', close), text_.size());
      if (close_end - close == length) return close_end;
      close = text_.find('`', close_end);
    }
    unmatched_[length] = true;
    return run_end;
  }

  void drop(Span span) {
    found_.characters += unicode::length(unicode::trim(text_.substr(span.start, span.size())));
    found_.spans.push_back(span);
  }

  std::string_view text_;
  Blocks blocks_;
  MarkdownComments found_;
  std::size_t resume_ = 0;
  std::size_t searched_from_ = none;  ///< From here on the first "-->" is at `close_`.
  std::size_t close_ = none;
  std::size_t paragraph_end_ = 0;
  std::array<bool, 64> unmatched_{};
};

/// The level of "## Title", else 0.
int atx_level(std::string_view line) {
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  if (level < 1 || level > 6) return 0;
  const bool is_marked = level == line.size() || line[level] == ' ' || line[level] == '\t';
  return is_marked ? static_cast<int>(level) : 0;
}

std::string_view atx_title(std::string_view line, int level) {
  std::string_view title = unicode::trim(line.substr(static_cast<std::size_t>(level)));
  const std::size_t last = title.find_last_not_of('#');
  if (last == none) return {};
  if (last + 1 < title.size() && (title[last] == ' ' || title[last] == '\t'))
    title = unicode::trim(title.substr(0, last));
  return title;
}

/// The level of a line under a setext heading, else 0.
int setext_level(std::string_view line) {
  if (line.empty() || (line[0] != '=' && line[0] != '-')) return 0;
  const std::size_t end = std::min(line.find_first_not_of(line[0]), line.size());
  if (!is_blank(line.substr(end))) return 0;
  return line[0] == '=' ? 1 : 2;
}

/// The level of "<h2 ...>" at the start of a line, else 0.
int tag_level(std::string_view line) {
  if (line.size() < 4 || line[0] != '<' || (line[1] | 0x20) != 'h') return 0;
  const bool is_tag = line[2] >= '1' && line[2] <= '6' && (line[3] == '>' || line[3] == ' ');
  return is_tag ? line[2] - '0' : 0;
}

int tag_level_of_end(std::string_view text, std::size_t at) {
  if (text.size() < at + 4 || (text[at + 2] | 0x20) != 'h') return 0;
  return text[at + 3] - '0';
}

bool is_thematic_break(std::string_view line) {
  if (line.empty() || (line[0] != '-' && line[0] != '*' && line[0] != '_')) return false;
  std::size_t marks = 0;
  for (const char c : line) {
    if (c != line[0] && c != ' ' && c != '\t') return false;
    marks += c == line[0];
  }
  return marks >= 3;
}

class HeadingFinder {
 public:
  explicit HeadingFinder(std::string_view text) : text_(text) {}

  std::vector<SourceMap::Heading> find(std::size_t start) {
    for (std::size_t at = start; at < text_.size();) {
      const Line line = line_at(text_, at);
      const std::string_view content = text_.substr(line.start, line.end - line.start);
      const Kind kind = blocks_.feed(content);
      if (kind != Kind::text) paragraph_ = none;
      if (kind == Kind::blank) is_in_other_block_ = false;
      if (kind == Kind::text && indent_of(content) < 4) visit(line, without_indent(content));
      at = line.next;
    }
    return std::move(headings_);
  }

 private:
  void visit(const Line& line, std::string_view body) {
    const std::size_t start = line.end - body.size();
    if (const int level = atx_level(body)) {
      add(start, level, plain_inline(atx_title(body, level)));
    } else if (const int under = paragraph_ == none ? 0 : setext_level(body)) {
      add(paragraph_, under, plain_inline(text_.substr(paragraph_, start - paragraph_)));
    } else if (const int tag = tag_level(body)) {
      const std::string_view rest = text_.substr(start, markdown_title_bytes_max);
      std::size_t end = rest.find("</");
      while (end != none && tag_level_of_end(rest, end) != tag) end = rest.find("</", end + 2);
      if (end != none) add(start, tag, plain_inline(rest.substr(0, end)));
    } else if (starts_list_item(body) || body.starts_with('>') || is_thematic_break(body)) {
      paragraph_ = none;
      is_in_other_block_ = true;  // Lines that follow without a blank one belong to it.
    } else if (paragraph_ == none && !is_in_other_block_) {
      paragraph_ = start;
    }
    if (is_thematic_break(body)) is_in_other_block_ = false;
  }

  void add(std::size_t start, int level, std::string title) {
    paragraph_ = none;
    is_in_other_block_ = false;
    if (!title.empty()) headings_.push_back({start, level, std::move(title)});
  }

  std::string_view text_;
  Blocks blocks_;
  std::vector<SourceMap::Heading> headings_;
  std::size_t paragraph_ = none;  ///< Where the open paragraph starts.
  bool is_in_other_block_ = false;
};

}  // namespace

MarkdownComments find_markdown_comments(std::string_view text, std::size_t start) {
  return CommentFinder(text).find(start);
}

std::vector<SourceMap::Heading> find_markdown_headings(std::string_view text, std::size_t start) {
  return HeadingFinder(text).find(start);
}

}  // namespace slipway::documents::detail
