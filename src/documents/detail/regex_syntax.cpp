#include "documents/detail/regex_syntax.hpp"

#include <optional>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_digit(char32_t c) { return c >= '0' && c <= '9'; }

int hex_value(char32_t c) {
  if (is_ascii_digit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

std::u32string code_points(std::string_view text) {
  std::u32string decoded;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded one = unicode::decode(text, at);
    decoded += one.code_point;
    at += one.bytes;
  }
  return decoded;
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(code_points(pattern)) {}

  Result<std::wstring> run() {
    TRY(leading_flags());
    while (at_ < in_.size()) TRY(one());
    return std::move(out_);
  }

 private:
  bool next_is(std::u32string_view text) const {
    return std::u32string_view(in_).substr(at_).starts_with(text);
  }
  void copy(std::size_t count) {
    for (; count > 0 && at_ < in_.size(); --count) out_ += static_cast<wchar_t>(in_[at_++]);
  }
  /// A character that means itself, wherever it stands.
  void literal(char32_t c) {
    if (c < 0x80 && !is_ascii_letter(c) && !is_ascii_digit(c)) {
      const std::string escaped = fmt::format("\\x{{{:x}}}", static_cast<unsigned>(c));
      out_.append(escaped.begin(), escaped.end());
    } else {
      out_ += static_cast<wchar_t>(c);
    }
  }

  static Error wrong(std::string_view what) { return fail(Code::invalid_argument, "{}", what); }

  /// `(?im)` at the very start; Python refuses global flags anywhere else.
  Result<void> leading_flags() {
    if (!next_is(U"(?")) return {};
    const std::size_t close = in_.find(U')');
    if (close == std::u32string::npos || close < 3) return {};
    const std::u32string_view flags = std::u32string_view(in_).substr(2, close - 2);
    for (const char32_t flag : flags)
      if (!is_ascii_letter(flag)) return {};
    if (flags.front() == U'P') return {};
    bool ignore_case = false;
    for (const char32_t flag : flags) {
      if (flag == U'i')
        ignore_case = true;
      else if (flag == U'm')
        multiline_ = true;
      else if (flag == U's')
        dot_all_ = true;
      else if (flag != U'u')
        return wrong("only the flags i, m, s and u are known");
    }
    if (ignore_case) out_ += L"(?i)";
    at_ = close + 1;
    return {};
  }

  Result<void> one() {
    const char32_t c = in_[at_];
    switch (c) {
      case U'\\': return escape();
      case U'[': return set();
      case U'(': return group();
      case U'{': return brace();
      case U'^': out_ += multiline_ ? L"(?:\\A|(?<=\\n))" : L"\\A"; break;
      case U'$': out_ += multiline_ ? L"(?=\\n|\\z)" : L"(?=\\n?\\z)"; break;
      case U'.': out_ += dot_all_ ? L"[\\s\\S]" : L"[^\\n]"; break;
      case U'*':
      case U'+':
      case U'?':
      case U'|':
      case U')': out_ += static_cast<wchar_t>(c); break;
      default: literal(c);
    }
    ++at_;
    return {};
  }

  /// `{2}`, `{2,}`, `{,3}` and `{2,3}` repeat; any other brace is a brace.
  Result<void> brace() {
    std::size_t end = at_ + 1;
    std::string low, high;
    bool comma = false;
    for (; end < in_.size() && (is_ascii_digit(in_[end]) || (in_[end] == U',' && !comma)); ++end) {
      if (in_[end] == U',')
        comma = true;
      else
        (comma ? high : low) += static_cast<char>(in_[end]);
    }
    const bool repeats =
        end < in_.size() && in_[end] == U'}' && (!low.empty() || !high.empty() || comma);
    if (!repeats) {
      literal(in_[at_++]);
      return {};
    }
    // Larger counts make the engine's program explode; no separator needs them.
    if (low.size() > 4 || high.size() > 4) return wrong("a repeat count is above 9999");
    const std::string text =
        fmt::format("{{{}{}{}}}", low.empty() ? "0" : low, comma ? "," : "", high);
    out_.append(text.begin(), text.end());
    at_ = end + 1;
    return {};
  }

  Result<void> group() {
    if (next_is(U"(*")) return wrong("nothing to repeat after '('");
    if (!next_is(U"(?")) {
      copy(1);
      return {};
    }
    if (next_is(U"(?#")) {
      const std::size_t close = in_.find(U')', at_);
      if (close == std::u32string::npos) return wrong("a comment is not closed");
      at_ = close + 1;
      return {};
    }
    if (next_is(U"(?P=")) return named(L"\\k<", U')');
    if (next_is(U"(?P<")) return named(L"(?<", U'>');
    for (const std::u32string_view known : {U"(?<=", U"(?<!"})
      if (next_is(known)) {
        copy(4);
        return {};
      }
    for (const std::u32string_view known : {U"(?i:", U"(?-i:"})
      if (next_is(known)) {
        copy(known.size());
        return {};
      }
    for (const std::u32string_view known : {U"(?:", U"(?=", U"(?!", U"(?>"})
      if (next_is(known)) {
        copy(3);
        return {};
      }
    return wrong("unknown kind of group after '(?'");
  }

  /// `(?P<name>` opens a group, `(?P=name)` is what the group matched.
  Result<void> named(std::wstring_view engine_word, char32_t closing) {
    const std::size_t close = in_.find(closing, at_);
    if (close == std::u32string::npos) return wrong("the name of a group is not closed");
    out_ += engine_word;
    for (at_ += 4; at_ < close; ++at_) {
      if (!is_ascii_letter(in_[at_]) && !is_ascii_digit(in_[at_]) && in_[at_] != U'_')
        return wrong("the name of a group may hold only letters, digits and '_'");
      out_ += static_cast<wchar_t>(in_[at_]);
    }
    out_ += L'>';
    ++at_;
    return {};
  }

  /// The character of `\xhh`, `\uhhhh`, `\Uhhhhhhhh` with `at_` on its first digit.
  Result<char32_t> hex(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = at_ < in_.size() ? hex_value(in_[at_]) : -1;
      if (digit < 0) return wrong("a hexadecimal escape is too short");
      value = value * 16 + static_cast<char32_t>(digit);
      if (value > 0x10FFFF) return wrong("an escape is beyond U+10FFFF");
    }
    return value;
  }

  /// The character that a letter escape stands for in Python, or nothing; `at_` after the letter.
  Result<std::optional<char32_t>> letter_escape(char32_t letter) {
    switch (letter) {
      case U'a': return std::optional<char32_t>(7);
      case U'f': return std::optional<char32_t>(12);
      case U'n': return std::optional<char32_t>(10);
      case U'r': return std::optional<char32_t>(13);
      case U't': return std::optional<char32_t>(9);
      case U'v': return std::optional<char32_t>(11);
      case U'x': return std::optional<char32_t>(TRY(hex(2)));
      case U'u': return std::optional<char32_t>(TRY(hex(4)));
      case U'U': return std::optional<char32_t>(TRY(hex(8)));
      default: return std::optional<char32_t>();
    }
  }

  /// `\0`, `\012`, `\123` are octal; other numbers refer to a group.
  Result<void> number_escape(bool in_set) {
    std::size_t digits = 0;
    const bool zero = in_[at_] == U'0';
    while (digits < 3 && at_ + digits < in_.size() && in_[at_ + digits] >= U'0' &&
           in_[at_ + digits] <= U'7')
      ++digits;
    if (zero || in_set || digits == 3) {
      if (digits == 0) return wrong("8 and 9 are no octal digits");
      char32_t value = 0;
      for (; digits > 0; --digits) value = value * 8 + (in_[at_++] - U'0');
      if (value > 0377) return wrong("an octal escape is beyond \\377");
      literal(value);
      return {};
    }
    out_ += L"\\g{";
    for (std::size_t i = 0; i < 2 && at_ < in_.size() && is_ascii_digit(in_[at_]); ++i) copy(1);
    out_ += L'}';
    return {};
  }

  Result<void> escape() {
    if (++at_ == in_.size()) return wrong("it ends in a bare backslash");
    const char32_t c = in_[at_];
    if (is_ascii_digit(c)) return number_escape(false);
    ++at_;
    if (!is_ascii_letter(c)) {
      literal(c);
      return {};
    }
    if (const auto character = TRY(letter_escape(c))) {
      literal(*character);
    } else if (std::u32string_view(U"AbBdDsSwW").find(c) != std::u32string_view::npos) {
      out_ += L'\\';
      out_ += static_cast<wchar_t>(c);
    } else if (c == U'Z' || c == U'z') {
      out_ += L"\\z";
    } else {
      return wrong(fmt::format("unknown escape \\{}", static_cast<char>(c)));
    }
    return {};
  }

  Result<void> set() {
    copy(1);
    if (at_ < in_.size() && in_[at_] == U'^') copy(1);
    for (bool first = true;; first = false) {
      if (at_ >= in_.size()) return wrong("a character set '[' is not closed");
      const char32_t c = in_[at_];
      if (c == U']' && !first) {
        copy(1);
        return {};
      }
      if (c == U'-') {
        copy(1);
      } else if (c == U'\\') {
        TRY(set_escape());
      } else {
        literal(c);
        ++at_;
      }
    }
  }

  Result<void> set_escape() {
    if (++at_ == in_.size()) return wrong("it ends in a bare backslash");
    const char32_t c = in_[at_];
    if (is_ascii_digit(c)) return number_escape(true);
    ++at_;
    if (!is_ascii_letter(c)) {
      literal(c);
    } else if (std::u32string_view(U"dDsSwW").find(c) != std::u32string_view::npos) {
      out_ += L'\\';
      out_ += static_cast<wchar_t>(c);
    } else if (c == U'b') {
      literal(8);
    } else if (const auto character = TRY(letter_escape(c))) {
      literal(*character);
    } else {
      return wrong(fmt::format("unknown escape \\{} in a set", static_cast<char>(c)));
    }
    return {};
  }

  const std::u32string in_;
  std::size_t at_ = 0;
  std::wstring out_;
  bool multiline_ = false;
  bool dot_all_ = false;
};

}  // namespace

Result<std::wstring> perl_from_python(std::string_view pattern) {
  return Translator(pattern).run();
}

bool is_plain_pattern(std::string_view pattern) {
  return pattern.find_first_of("\\^$.|?*+()[]{}") == std::string_view::npos;
}

}  // namespace slipway::documents::detail
