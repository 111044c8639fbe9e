#include "agents/detail/expression_lexer.hpp"

#include <charconv>
#include <cmath>

#include "core/ascii.hpp"
#include "core/excerpt.hpp"
#include "core/unicode.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t text_bytes_max = 16 << 10;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> read() {
    if (text_.size() > text_bytes_max) return wrong(0, "an expression longer than 16 KB");
    std::vector<Token> tokens;
    for (;;) {
      skip_space();
      Token token;
      token.at = at_;
      if (at_ >= text_.size()) {
        tokens.push_back(std::move(token));
        return tokens;
      }
      if (begins_string())
        TRY(read_string(token));
      else if (is_digit(text_[at_]) || (text_[at_] == '.' && at_ + 1 < text_.size() &&
                                        is_digit(text_[at_ + 1]) && !follows_value(tokens)))
        TRY(read_number(token));
      else if (is_name_start(text_[at_]))
        read_name(token);
      else
        TRY(read_sign(token));
      tokens.push_back(std::move(token));
    }
  }

 private:
  Error wrong(std::size_t at, std::string_view what) const {
    return expression_error(text_, at, what);
  }
  char ahead(std::size_t by = 0) const { return at_ + by < text_.size() ? text_[at_ + by] : '\0'; }

  void skip_space() {
    for (;;) {
      while (at_ < text_.size() &&
             (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
        ++at_;
      if (ahead() != '/' || ahead(1) != '/') return;
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
  }

  static bool follows_value(const std::vector<Token>& tokens) {
    if (tokens.empty()) return false;
    const Token& last = tokens.back();
    return last.kind == Token::Kind::name || last.kind == Token::Kind::literal ||
           last.text == ")" || last.text == "]" || last.text == "}";
  }

  bool begins_string() const {
    const char c = ahead();
    if (c == '"' || c == '\'') return true;
    return (c == 'r' || c == 'R') && (ahead(1) == '"' || ahead(1) == '\'');
  }

  Result<void> read_string(Token& token) {
    const bool is_raw = text_[at_] == 'r' || text_[at_] == 'R';
    if (is_raw) ++at_;
    const char quote = text_[at_];
    const bool is_triple = ahead(1) == quote && ahead(2) == quote;
    at_ += is_triple ? 3 : 1;
    std::string out;
    for (;;) {
      if (at_ >= text_.size() || (!is_triple && (text_[at_] == '\n' || text_[at_] == '\r')))
        return wrong(token.at, "a string without an end");
      if (text_[at_] == quote && (!is_triple || (ahead(1) == quote && ahead(2) == quote))) {
        at_ += is_triple ? 3 : 1;
        break;
      }
      if (text_[at_] == '\\' && !is_raw)
        TRY(read_escape(out));
      else
        out += text_[at_++];
    }
    if (!unicode::is_valid_utf8(out)) return wrong(token.at, "a string that is not valid UTF-8");
    token.kind = Token::Kind::literal;
    token.value = Value(std::move(out));
    return {};
  }

  Result<void> read_escape(std::string& out) {
    const std::size_t begin = at_++;
    const char c = ahead();
    ++at_;
    constexpr std::string_view from = "abfnrtv\\?\"'`", to = "\a\b\f\n\r\t\v\\?\"'`";
    if (const auto found = from.find(c); c != '\0' && found != std::string_view::npos) {
      out += to[found];
      return {};
    }
    std::size_t digits = 0;
    int base = 16;
    if (c == 'x' || c == 'X') digits = 2;
    if (c == 'u') digits = 4;
    if (c == 'U') digits = 8;
    if (c >= '0' && c <= '3') {
      digits = 3;
      base = 8;
      --at_;
    }
    std::uint32_t point = 0;
    const std::string_view number = text_.substr(std::min(at_, text_.size()), digits);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), point, base);
    if (digits == 0 || number.size() < digits || parsed.ec != std::errc() ||
        parsed.ptr != number.data() + digits || point > 0x10FFFF ||
        (point >= 0xD800 && point <= 0xDFFF))
      return wrong(begin, "an escape that is not known; write \\\\ for a backslash");
    at_ += digits;
    unicode::append(out, point);
    return {};
  }

  Result<void> read_number(Token& token) {
    token.kind = Token::Kind::literal;
    std::size_t end = at_;
    int base = 10;
    bool is_whole = true;
    if (text_[at_] == '0' && (ahead(1) == 'x' || ahead(1) == 'X')) {
      base = 16;
      end = at_ += 2;
      while (end < text_.size() && is_hex(text_[end])) ++end;
    } else {
      while (end < text_.size() && is_digit(text_[end])) ++end;
      if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1])) {
        is_whole = false;
        ++end;
        while (end < text_.size() && is_digit(text_[end])) ++end;
      }
      end = skip_exponent(end, is_whole);
    }
    const char* first = text_.data() + at_;
    const char* last = text_.data() + end;
    at_ = end;
    if (at_ < text_.size() && is_name_start(text_[at_]))
      return wrong(token.at, "a number that goes on in letters");
    if (!is_whole) {
      double real = 0;
      if (std::from_chars(first, last, real).ec != std::errc())
        return wrong(token.at, "a number that is too large or too small");
      token.value = real;
      return {};
    }
    std::uint64_t whole = 0;
    constexpr std::uint64_t least_magnitude = 1ull << 63;
    if (std::from_chars(first, last, whole, base).ec != std::errc() || whole > least_magnitude ||
        first == last)
      return wrong(token.at, "a whole number beyond 64 bits");
    token.is_least_magnitude = whole == least_magnitude;
    token.value = static_cast<std::int64_t>(whole);
    return {};
  }

  std::size_t skip_exponent(std::size_t end, bool& is_whole) const {
    if (end >= text_.size() || (text_[end] != 'e' && text_[end] != 'E')) return end;
    std::size_t digits = end + 1;
    if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
    if (digits >= text_.size() || !is_digit(text_[digits])) return end;
    while (digits < text_.size() && is_digit(text_[digits])) ++digits;
    is_whole = false;
    return digits;
  }

  static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }

  void read_name(Token& token) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    token.kind = Token::Kind::name;
    token.text = text_.substr(begin, at_ - begin);
  }

  Result<void> read_sign(Token& token) {
    token.kind = Token::Kind::sign;
    for (const std::string_view two : {"&&", "||", "==", "!=", "<=", ">="})
      if (text_.substr(at_, 2) == two) {
        token.text = std::string(two);
        at_ += 2;
        return {};
      }
    if (std::string_view("+-*/%<>!?:.,()[]{}").find(text_[at_]) == std::string_view::npos) {
      if (text_[at_] == '=') return wrong(at_, "'=' stands alone; '==' compares");
      return wrong(at_, "a character that has no meaning here");
    }
    token.text = text_[at_++];
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Token>> read_tokens(std::string_view text) { return Lexer(text).read(); }

std::size_t end_of_expression(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const bool is_raw = i > begin && (text[i - 1] == 'r' || text[i - 1] == 'R');
      for (++i; i < text.size() && text[i] != c; ++i)
        if (text[i] == '\\' && !is_raw) ++i;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (depth > 0)
        --depth;
      else if (i + 1 < text.size() && text[i + 1] == '}')
        return i;
    }
  }
  return std::string_view::npos;
}

Error expression_error(std::string_view text, std::size_t at, std::string_view what) {
  constexpr std::size_t excerpt_bytes_max = 80;
  return fail(Code::invalid_argument, "expression \"{}\", column {}: {}",
              excerpt(text, excerpt_bytes_max), at + 1, what);
}

}  // namespace slipway::agents::detail
