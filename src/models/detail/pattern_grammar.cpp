#include "models/detail/pattern_grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/unicode.hpp"
#include "models/detail/grammar.hpp"

namespace slipway::models::detail {

namespace {

constexpr int depth_max = 40;
constexpr std::int64_t repetitions_max = 1000;

const CodeRanges digits = {{'0', '9'}};
const CodeRanges words = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodeRanges spaces = {{'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},
                           {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                           {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const CodeRanges line_ends = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
/// What people mean by a space.
const CodeRanges space_shown = {{' ', ' '}};

CodeRanges with_foreign(CodeRanges ranges) {
  ranges.emplace_back(0x80, 0x10FFFF);
  return united(std::move(ranges));
}

/// What \w and \d are beyond ASCII depends on the engine. `ranges` is written
/// where all agree; where it is excluded, more is.
CodeRanges without(const CodeRanges& ranges) { return complement(with_foreign(ranges)); }

class Pattern {
 public:
  explicit Pattern(std::string_view text) : text_(text) {}

  Result<std::string> whole() {
    std::string body = TRY(alternatives(0));
    if (at_ < text_.size()) return wrong("a ')' too many");
    return body;
  }

 private:
  Error wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "'{}' is no regular expression: {} at {}", text_, what,
                at_);
  }
  Error unknown(std::string_view what) const {
    return fail(Code::unsupported, "'{}' has {}, which is not supported", text_, what);
  }

  bool has(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  char32_t take_character() {
    const auto decoded = unicode::decode(text_, at_);
    at_ += decoded.bytes;
    return decoded.code_point;
  }

  Result<std::string> alternatives(int depth) {
    if (depth > depth_max) return unknown("too many groups in each other");
    std::vector<std::string> choices;
    do choices.push_back(TRY(sequence(depth)));
    while (take("|"));
    if (choices.size() == 1) return choices[0];
    return fmt::format("({})", fmt::join(choices, " | "));
  }

  Result<std::string> sequence(int depth) {
    std::string body;
    const std::size_t begin = at_;
    while (at_ < text_.size() && !has('|') && !has(')')) {
      if (take("^")) {
        if (at_ - 1 != begin || depth > 0) return unknown("'^' in the middle");
        continue;
      }
      if (take("$")) {
        if ((at_ < text_.size() && !has('|')) || depth > 0) return unknown("'$' in the middle");
        continue;
      }
      const std::string item = TRY(atom(depth));
      body += (body.empty() ? "" : " ") + TRY(quantified(item));
    }
    return body.empty() ? "\"\"" : body;
  }

  Result<std::string> atom(int depth) {
    if (take("(")) {
      if (has('?') && !take("?:")) {
        if (text_.substr(at_, 3) == "?<=" || text_.substr(at_, 3) == "?<!")
          return unknown("a look behind");
        if (!take("?<")) return unknown("a look ahead, or flags");
        const std::size_t end = text_.find('>', at_);
        if (end == std::string_view::npos) return wrong("a name without end");
        at_ = end + 1;
      }
      std::string inner = TRY(alternatives(depth + 1));
      if (!take(")")) return wrong("a '(' without ')'");
      return fmt::format("({})", inner);
    }
    if (take("[")) return one_of(TRY(character_class()));
    if (take(".")) return one_of(complement(line_ends));
    if (take("\\")) return one_of(TRY(escape()));
    if (has('*') || has('+') || has('?')) return wrong("nothing to repeat");
    if (has('{') || has('}') || has(']')) return wrong("a bracket that is not escaped");
    const char32_t c = take_character();
    return one_of({{c, c}});
  }

  Result<std::string> one_of(const CodeRanges& ranges) const {
    std::string body = json_char(ranges);
    if (body.empty()) return unknown("a character that cannot be written");
    return body;
  }

  Result<CodeRanges> escape() {
    if (at_ >= text_.size()) return wrong("a '\\' at the end");
    const char32_t c = take_character();
    switch (c) {
      case 'd': return digits;
      case 'D': return without(digits);
      case 'w': return words;
      case 'W': return without(words);
      case 's': return space_shown;
      case 'S': return complement(spaces);
      case 'n': return CodeRanges{{'\n', '\n'}};
      case 'r': return CodeRanges{{'\r', '\r'}};
      case 't': return CodeRanges{{'\t', '\t'}};
      case 'x': return by_number(2);
      case 'u': return by_number(4);
      default: break;
    }
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      return unknown(fmt::format("'\\{}'", static_cast<char>(c)));
    return CodeRanges{{c, c}};
  }

  Result<CodeRanges> by_number(std::size_t count) {
    const std::string_view hex = text_.substr(at_, count);
    if (hex.size() < count ||
        hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
      return wrong("an escape without its hexadecimal digits");
    at_ += count;
    const auto c = static_cast<char32_t>(std::stoul(std::string(hex), nullptr, 16));
    return CodeRanges{{c, c}};
  }

  Result<CodeRanges> character_class() {
    const bool is_negative = take("^");
    CodeRanges ranges;
    while (!take("]")) {
      if (at_ >= text_.size()) return wrong("a '[' without ']'");
      CodeRanges first = TRY(class_item(is_negative));
      const bool is_range = has('-') && text_.substr(at_, 2) != "-]" && at_ + 1 < text_.size();
      if (is_range && is_single(first)) {
        ++at_;
        const CodeRanges last = TRY(class_item(is_negative));
        if (!is_single(last) || last[0].first < first[0].first) return wrong("a wrong range");
        first[0].second = last[0].first;
      }
      ranges.insert(ranges.end(), first.begin(), first.end());
    }
    ranges = united(std::move(ranges));
    return is_negative ? complement(ranges) : ranges;
  }

  Result<CodeRanges> class_item(bool is_negative) {
    if (take("\\")) {
      if (is_negative) {
        if (take("s")) return spaces;
        if (take("d")) return with_foreign(digits);
        if (take("w")) return with_foreign(words);
        if (take("D")) return complement(digits);
        if (take("W")) return complement(words);
        if (take("S")) return complement(space_shown);
      }
      if (take("b")) return CodeRanges{{'\b', '\b'}};
      return escape();
    }
    const char32_t c = take_character();
    return CodeRanges{{c, c}};
  }

  static bool is_single(const CodeRanges& ranges) {
    return ranges.size() == 1 && ranges[0].first == ranges[0].second;
  }

  Result<std::string> quantified(const std::string& item) {
    std::int64_t least = 1;
    std::int64_t most = 1;
    if (take("*")) {
      least = 0, most = -1;
    } else if (take("+")) {
      most = -1;
    } else if (take("?")) {
      least = 0;
    } else if (take("{")) {
      least = TRY(number());
      most = least;
      if (take(",")) most = has('}') ? -1 : TRY(number());
      if (!take("}") || (most >= 0 && most < least)) return wrong("a wrong repetition");
    } else {
      return item;
    }
    take("?");  // What a lazy one matches is the same.
    if (has('*') || has('+') || has('?') || has('{')) return wrong("two repetitions");
    return repeated(item, least, most);
  }

  Result<std::int64_t> number() {
    std::int64_t value = 0;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      if (value > repetitions_max)
        return unknown(fmt::format("more than {} repetitions", repetitions_max));
    }
    if (at_ == begin) return wrong("a repetition without a number");
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> pattern_grammar(std::string_view pattern) { return Pattern(pattern).whole(); }

}  // namespace slipway::models::detail
