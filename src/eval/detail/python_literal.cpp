#include "eval/detail/python_literal.hpp"

#include <charconv>

#include "core/json_exact.hpp"
#include "core/unicode.hpp"

namespace slipway::eval::detail {

namespace {

constexpr int depth_max = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<json::Value> whole() {
    json::Value value = TRY(any(0));
    skip_space();
    if (at_ < text_.size()) return wrong("something follows the value");
    return value;
  }

 private:
  Error wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "no Python value: {} at byte {}", what, at_ + 1);
  }
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool takes(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<json::Value> any(int depth) {
    if (depth > depth_max) return wrong("too many levels");
    if (takes('[')) return list(']', depth);
    if (takes('(')) return list(')', depth);
    if (takes('{')) return dict(depth);
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'))
      return json::Value(boost::json::string(TRY(string())));
    return word();
  }

  Result<json::Value> list(char end, int depth) {
    json::Array items;
    while (!takes(end)) {
      items.push_back(TRY(any(depth + 1)));
      if (!takes(',') && !is_next(end)) return wrong("a comma is missing");
    }
    return json::Value(std::move(items));
  }

  bool is_next(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }

  Result<json::Value> dict(int depth) {
    json::Object object;
    while (!takes('}')) {
      if (!is_next('\'') && !is_next('"')) return wrong("a key that is no string");
      const std::string key = TRY(string());
      if (!takes(':')) return wrong("a colon is missing");
      object[key] = TRY(any(depth + 1));
      if (!takes(',') && !is_next('}')) return wrong("a comma is missing");
    }
    return json::Value(std::move(object));
  }

  Result<std::string> string() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      const char c = text_[at_++];
      if (c != '\\')
        out += c;
      else
        TRY(escape(out));
    }
    if (at_ >= text_.size()) return wrong("a string that is never closed");
    ++at_;
    return out;
  }

  Result<void> escape(std::string& out) {
    if (at_ >= text_.size()) return wrong("a string that is never closed");
    const char c = text_[at_++];
    constexpr std::string_view names = "nrtabfv0\\'\"", values("\n\r\t\a\b\f\v\0\\'\"", 11);
    if (const std::size_t which = names.find(c); which != std::string_view::npos) {
      out += values[which];
      return {};
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      out += '\\';
      out += c;
      return {};
    }
    std::uint32_t code = TRY(hex(digits));
    // A pair of surrogates, as JSON writes what lies beyond.
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t low = TRY(hex(4));
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    unicode::append(out, static_cast<char32_t>(code));
    return {};
  }

  Result<std::uint32_t> hex(std::size_t digits) {
    std::uint32_t code = 0;
    const std::string_view piece = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), code, 16);
    if (error != std::errc() || piece.size() != digits || end != piece.data() + piece.size())
      return wrong("an escape that is none");
    at_ += digits;
    return code;
  }

  Result<json::Value> word() {
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n,]){}:", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    json::Value value;
    if (word == "True" || word == "true")
      value = true;
    else if (word == "False" || word == "false")
      value = false;
    else if (word != "None" && word != "null") {
      const auto number = json::parse_exact(word);
      if (!number || !number->is_number()) return wrong("a word that is no value");
      value = *number;
    }
    at_ = end;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<json::Value> parse_python_literal(std::string_view text) { return Parser(text).whole(); }

}  // namespace slipway::eval::detail
