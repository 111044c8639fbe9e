#include "dialects/splice.hpp"

#include "core/hex.hpp"
#include "core/json.hpp"
#include "core/json_plain.hpp"
#include "core/unicode.hpp"

namespace slipway::dialects {

namespace {

constexpr int depth_max = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 8259, without making anything of it.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Result<Glance> scan() {
    blanks();
    if (!next('{')) return wrong("a body that is a JSON object");
    Glance glance;
    TRY(members([&](std::string_view key) { return outer(key, glance); }));
    blanks();
    if (at_ != text_.size()) return wrong("nothing after the object");
    return glance;
  }

 private:
  Error wrong(std::string_view expectation) const {
    return fail(Code::invalid_argument, "the body is not valid JSON: byte {}: expected {}", at_,
                expectation);
  }

  bool has() const { return at_ < text_.size(); }
  char peek() const { return has() ? text_[at_] : '\0'; }
  bool next(char c) {
    if (!has() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (has() && (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')) ++at_;
  }

  /// A key of the outermost object whose value is next.
  Result<void> outer(std::string_view quoted, Glance& glance) {
    const std::string key = TRY(unquote(quoted));
    const bool is_model = key == "model", is_stream = key == "stream";
    if ((is_model && std::exchange(has_model_, true)) ||
        (is_stream && std::exchange(has_stream_, true)))
      return fail(Code::invalid_argument, "{}: stands twice in the body", key);
    const std::size_t begin = at_;
    TRY(value(1));
    const std::string_view raw = text_.substr(begin, at_ - begin);
    if (is_model && raw != "null") {
      if (raw.front() != '"')
        return fail(Code::invalid_argument, "model: expected a string, got {}", raw.substr(0, 60));
      glance.model = TRY(unquote(raw));
      glance.model_begin = begin;
      glance.model_end = at_;
    }
    if (is_stream && raw != "null") {
      if (raw != "true" && raw != "false")
        return fail(Code::invalid_argument, "stream: expected true or false, got {}",
                    raw.substr(0, 60));
      glance.stream = raw == "true";
    }
    return {};
  }

  static Result<std::string> unquote(std::string_view quoted) {
    if (quoted.find('\\') == std::string_view::npos)
      return std::string(quoted.substr(1, quoted.size() - 2));
    const json::Value value = TRY(json::parse(quoted));
    return std::string(value.get_string());
  }

  template <typename OnKey>
  Result<void> members(const OnKey& on_key) {
    blanks();
    if (next('}')) return {};
    while (true) {
      blanks();
      const std::size_t begin = at_;
      TRY(string());
      const std::string_view key = text_.substr(begin, at_ - begin);
      blanks();
      if (!next(':')) return wrong("':'");
      blanks();
      TRY(on_key(key));
      blanks();
      if (next('}')) return {};
      if (!next(',')) return wrong("',' or '}'");
    }
  }

  /// `depth`: of how many objects and arrays it is a part.
  Result<void> value(int depth) {
    if (depth == depth_max && (peek() == '{' || peek() == '[')) return wrong("at most 64 levels");
    switch (peek()) {
      case '"': return string();
      case '{': ++at_; return members([&](std::string_view) { return value(depth + 1); });
      case '[': ++at_; return items(depth);
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  Result<void> items(int depth) {
    blanks();
    if (next(']')) return {};
    while (true) {
      blanks();
      TRY(value(depth + 1));
      blanks();
      if (next(']')) return {};
      if (!next(',')) return wrong("',' or ']'");
    }
  }

  Result<void> word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return wrong("a value");
    at_ += expected.size();
    return {};
  }

  bool digits() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  }

  Result<void> number() {
    next('-');
    if (!next('0') && !digits()) return wrong("a value");
    if (next('.') && !digits()) return wrong("a digit");
    if (next('e') || next('E')) {
      if (!next('+')) next('-');
      if (!digits()) return wrong("a digit");
    }
    return {};
  }

  Result<void> string() {
    if (!next('"')) return wrong("a string");
    const std::size_t begin = at_;
    bool is_ascii = true;
    for (skip_plain(); has() && peek() != '"'; skip_plain()) {
      const auto c = static_cast<unsigned char>(peek());
      if (c < 0x20) return wrong("no control character in a string");
      ++at_;
      if (c == '\\') {
        TRY(escape());
      } else {
        is_ascii = false;
        while (static_cast<unsigned char>(peek()) >= 0x80) ++at_;
      }
    }
    if (!is_ascii && !unicode::is_valid_utf8(text_.substr(begin, at_ - begin)))
      return wrong("UTF-8 in the string before");
    if (!next('"')) return wrong("'\"'");
    return {};
  }

  void skip_plain() { at_ = json::plain_end(text_, at_); }

  Result<void> escape() {
    const char c = peek();
    ++at_;
    if (c == 'u') {
      for (int i = 0; i < 4; ++i, ++at_)
        if (!hex::is_digit(peek())) return wrong("four hex digits");
      return {};
    }
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos || c == '\0')
      return wrong("an escape");
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool has_model_ = false, has_stream_ = false;
};

}  // namespace

Result<Glance> glance(std::string_view body) { return Scanner(body).scan(); }

std::string with_model(std::string_view body, const Glance& glance, std::string_view model) {
  const std::string quoted = json::dump(json::Value(model));
  std::string spliced;
  spliced.reserve(body.size() + quoted.size());
  spliced += body.substr(0, glance.model_begin);
  spliced += quoted;
  spliced += body.substr(glance.model_end);
  return spliced;
}

}  // namespace slipway::dialects
