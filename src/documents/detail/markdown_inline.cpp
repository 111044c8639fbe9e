// Bounded work: a heading's line is cut to 600 bytes before its markup is looked at, and only so
// many brackets are tried as links.
#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/markdown_blocks.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;

bool is_word_byte(std::string_view line, std::size_t at) {
  if (at >= line.size()) return false;
  const char c = line[at];
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80) != 0;
}

/// Asterisks and tildes are emphasis next to a word, underscores only at its edge: "snake_case".
bool is_emphasis(std::string_view line, std::size_t at) {
  const std::size_t run_end = std::min(line.find_first_not_of(line[at], at), line.size());
  const bool space_before = at == 0 || line[at - 1] == ' ';
  const bool space_after = run_end >= line.size() || line[run_end] == ' ';
  if (space_before && space_after) return false;
  if (line[at] == '~') return run_end - at == 2 || (at > 0 && line[at - 1] == '~');
  if (line[at] == '*') return true;
  return !(at > 0 && is_word_byte(line, at - 1) && is_word_byte(line, run_end));
}

/// Takes inline markup off one line.
class InlineStripper {
 public:
  /// At most this many brackets are tried as links: each try may look through the whole line.
  explicit InlineStripper(std::string_view line, int links_left = 32)
      : line_(line), links_left_(links_left) {}

  std::string strip() {
    for (std::size_t at = 0; at < line_.size();) {
      const std::size_t after = step(at);
      if (after == at) out_ += line_[at];
      at = std::max(after, at + 1);
    }
    return std::move(out_);
  }

 private:
  char peek(std::size_t at) const { return at < line_.size() ? line_[at] : '\0'; }

  /// Handles markup at `at`; where to go on, or `at` itself when it is an ordinary character.
  std::size_t step(std::size_t at) {
    const char c = line_[at];
    const char next = peek(at + 1);
    if (c == '\\' && next > 0 && unicode::is_punctuation(static_cast<char32_t>(next))) {
      out_ += next;
      return at + 2;
    }
    if (c == '[' || (c == '!' && next == '[')) return link(at);
    if (c == '<') return tag(at);
    if (c == '`') return code(at);
    if (c == '&') return entity(at);
    if (c == '{' && next == '#' && line_.back() == '}') return line_.size();  // "{#anchor}".
    const bool is_mark = (c == '*' || c == '_' || c == '~') && is_emphasis(line_, at);
    return is_mark ? at + 1 : at;
  }

  /// "[text](url)", "[text][id]", "![alt](url)" give their text.
  std::size_t link(std::size_t at) {
    if (--links_left_ < 0) return at;
    const std::size_t open = at + (line_[at] == '!' ? 1 : 0);
    const std::size_t close = closing_bracket(open);
    if (close == none) return at;
    const char after = peek(close + 1);
    std::size_t end = close + 1;
    if (after == '(' || after == '[') {
      end = line_.find(after == '(' ? ')' : ']', close + 1);
      if (end == none) return at;
      ++end;
    } else {
      return at;  // Brackets that link nowhere are text.
    }
    InlineStripper inside(line_.substr(open + 1, close - open - 1), links_left_);
    out_ += inside.strip();
    links_left_ = inside.links_left_;
    return end;
  }

  std::size_t closing_bracket(std::size_t open) const {
    int depth = 0;
    for (std::size_t at = open; at < line_.size(); ++at) {
      if (line_[at] == '\\')
        ++at;
      else if (line_[at] == '[')
        ++depth;
      else if (line_[at] == ']' && --depth == 0)
        return at;
    }
    return none;
  }

  std::size_t tag(std::size_t at) {
    const char next = peek(at + 1);
    if (next != '/' && next != '!' && !((next | 0x20) >= 'a' && (next | 0x20) <= 'z')) return at;
    const std::size_t end = line_.find('>', at);
    if (end == none) return at;
    const std::string_view inside = line_.substr(at + 1, end - at - 1);
    if (inside.find("://") != none && inside.find_first_of(" \"'") == none) out_ += inside;
    return end + 1;
  }

  /// Code is kept as it stands: "`vector<int>`" is no tag.
  std::size_t code(std::size_t at) {
    const std::size_t run_end = std::min(line_.find_first_not_of('`', at), line_.size());
    const std::string_view run = line_.substr(at, run_end - at);
    const std::size_t close = line_.find(run, run_end);
    if (close == none) return run_end;
    out_ += line_.substr(run_end, close - run_end);
    return close + run.size();
  }

  std::size_t entity(std::size_t at) {
    constexpr std::array<std::array<std::string_view, 2>, 6> entities = {{{"&amp;", "&"},
                                                                          {"&lt;", "<"},
                                                                          {"&gt;", ">"},
                                                                          {"&quot;", "\""},
                                                                          {"&#39;", "'"},
                                                                          {"&nbsp;", " "}}};
    for (const auto& [entity, character] : entities)
      if (line_.substr(at).starts_with(entity)) {
        out_ += character;
        return at + entity.size();
      }
    return at;
  }

  std::string_view line_;
  int links_left_;
  std::string out_;
};

}  // namespace

std::string plain_inline(std::string_view line) {
  line = line.substr(0, unicode::floor_boundary(line, markdown_title_bytes_max));
  return clean_title(InlineStripper(line).strip());
}

}  // namespace slipway::documents::detail
