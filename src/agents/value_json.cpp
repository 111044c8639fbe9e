// Values read from JSON and written to it.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "agents/value.hpp"
#include "core/unicode.hpp"

namespace slipway::agents {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

bool is_surrogate(std::uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

/// Also a lone surrogate, which `unicode::append` refuses.
void append_code_point(std::string& out, std::uint32_t c) {
  if (!is_surrogate(c)) {
    unicode::append(out, c);
    return;
  }
  out += static_cast<char>(0xE0 | (c >> 12));
  out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
  out += static_cast<char>(0x80 | (c & 0x3F));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Value> read() {
    Value value;
    skip_space();
    if (!read_value(value, 0)) return error();
    skip_space();
    if (at_ != text_.size()) {
      wrong("something stands after the value");
      return error();
    }
    return value;
  }

 private:
  Error error() const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto last = before.rfind('\n');
    const auto column = 1 + before.size() - (last == std::string_view::npos ? 0 : last + 1);
    return fail(Code::invalid_argument, "not valid JSON at line {}, column {}: {}", line, column,
                what_);
  }
  bool wrong(const char* what) {
    what_ = what;
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view word, Value value, Value& out) {
    if (text_.substr(at_, word.size()) != word) return wrong("a value is expected");
    at_ += word.size();
    out = std::move(value);
    return true;
  }

  bool read_value(Value& out, int depth) {
    if (at_ >= text_.size()) return wrong("the text ends where a value is expected");
    switch (text_[at_]) {
      case '{': return read_map(out, depth);
      case '[': return read_list(out, depth);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      case 't': return word("true", true, out);
      case 'f': return word("false", false, out);
      case 'n': return word("null", {}, out);
      default: return read_number(out);
    }
  }

  bool read_list(Value& out, int depth) {
    if (depth >= value_depth_max) return wrong("it is nested more than 64 levels deep");
    ++at_;
    std::vector<Value> items;
    skip_space();
    if (!take(']')) {
      do {
        skip_space();
        items.emplace_back();
        if (!read_value(items.back(), depth + 1)) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return wrong("',' or ']' is expected");
    }
    out = Value::list(std::move(items));
    return true;
  }

  bool read_map(Value& out, int depth) {
    if (depth >= value_depth_max) return wrong("it is nested more than 64 levels deep");
    ++at_;
    std::vector<std::pair<std::string, Value>> entries;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        std::string key;
        if (at_ >= text_.size() || text_[at_] != '"') return wrong("a key in quotes is expected");
        if (!read_string(key)) return false;
        skip_space();
        if (!take(':')) return wrong("':' is expected");
        skip_space();
        Value value;
        if (!read_value(value, depth + 1)) return false;
        entries.emplace_back(std::move(key), std::move(value));
        skip_space();
      } while (take(','));
      if (!take('}')) return wrong("',' or '}' is expected");
    }
    out = Value::map(std::move(entries));
    return true;
  }

  bool read_hex(std::uint32_t& out) {
    if (at_ + 4 > text_.size()) return wrong("\\u needs four hex digits");
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + static_cast<std::size_t>(i)];
      const bool is_digit = c >= '0' && c <= '9';
      const char low = static_cast<char>(c | 0x20);
      if (!is_digit && (low < 'a' || low > 'f')) return wrong("\\u needs four hex digits");
      out = out * 16 + static_cast<std::uint32_t>(is_digit ? c - '0' : low - 'a' + 10);
    }
    at_ += 4;
    return true;
  }

  bool read_escape(std::string& out) {
    if (at_ >= text_.size()) return wrong("the text ends inside a string");
    const char c = text_[at_++];
    constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    if (const auto found = from.find(c); found != std::string_view::npos) {
      out += to[found];
      return true;
    }
    if (c != 'u') return wrong("an unknown escape");
    std::uint32_t unit = 0;
    if (!read_hex(unit)) return false;
    if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t back = at_;
      at_ += 2;
      std::uint32_t low = 0;
      if (!read_hex(low)) return false;
      if (low >= 0xDC00 && low <= 0xDFFF)
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      else
        at_ = back;
    }
    append_code_point(out, unit);
    return true;
  }

  bool read_string(std::string& out) {
    ++at_;
    for (;;) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20 &&
             static_cast<unsigned char>(text_[at_]) < 0x80)
        ++at_;
      out.append(text_, begin, at_ - begin);
      if (at_ >= text_.size()) return wrong("the text ends inside a string");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        ++at_;
        if (!read_escape(out)) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return wrong("a control character inside a string");
      } else {
        const unicode::Decoded decoded = unicode::decode(text_, at_);
        if (!decoded.valid) return wrong("not valid UTF-8");
        out.append(text_, at_, decoded.bytes);
        at_ += decoded.bytes;
      }
    }
  }

  bool skip_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }

  bool read_number(Value& out) {
    const std::size_t begin = at_;
    take('-');
    const bool has_zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t digits = at_;
    if (!skip_digits()) return wrong("a value is expected");
    if (has_zero && at_ - digits > 1) return wrong("a number does not begin with 0");
    bool is_whole = true;
    if (take('.')) {
      is_whole = false;
      if (!skip_digits()) return wrong("digits are expected after '.'");
    }
    if (take('e') || take('E')) {
      is_whole = false;
      if (!take('-')) take('+');
      if (!skip_digits()) return wrong("digits are expected in the exponent");
    }
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    std::int64_t whole = 0;
    if (is_whole && std::from_chars(first, last, whole).ec == std::errc()) {
      out = whole;
      return true;
    }
    double real = 0;
    const auto parsed = std::from_chars(first, last, real);
    // Too small to be told from zero is zero; too large has no value.
    if (parsed.ec == std::errc::result_out_of_range && std::fabs(real) != 0 && !std::isfinite(real))
      return wrong("a number that is too large");
    if (parsed.ec == std::errc::result_out_of_range) {
      const std::string_view digits_of(first, static_cast<std::size_t>(last - first));
      if (digits_of.find("e-") == std::string_view::npos &&
          digits_of.find("E-") == std::string_view::npos)
        return wrong("a number that is too large");
      real = 0;
    }
    out = real;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* what_ = "";
};

void dump_unit(std::string& out, std::uint32_t unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += hex_digits[(unit >> shift) & 15];
}

void dump_text(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      constexpr std::string_view from = "\b\f\n\r\t", to = "bfnrt";
      if (const auto found = from.find(static_cast<char>(c)); found != std::string_view::npos) {
        out += '\\';
        out += to[found];
      } else {
        dump_unit(out, c);
      }
    } else if (c == 0xED && i + 2 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) >= 0xA0) {
      dump_unit(out, 0xD000u | ((static_cast<unsigned char>(text[i + 1]) & 0x3Fu) << 6) |
                         (static_cast<unsigned char>(text[i + 2]) & 0x3Fu));
      i += 2;
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

void dump_real(std::string& out, double number, bool is_canonical) {
  const std::string text = real_text(number);
  out += text;
  if (!is_canonical && text.find_first_of(".e") == std::string::npos) out += ".0";
}

void write(std::string& out, const Value& value, bool is_canonical) {
  switch (value.kind()) {
    case Kind::null: out += "null"; return;
    case Kind::boolean: out += value.boolean() ? "true" : "false"; return;
    case Kind::integer: {
      char buffer[24];
      const auto done = std::to_chars(buffer, buffer + sizeof buffer, value.integer());
      out.append(buffer, done.ptr);
      return;
    }
    case Kind::real: dump_real(out, value.number(), is_canonical); return;
    case Kind::text: dump_text(out, value.text()); return;
    case Kind::list: {
      char mark = '[';
      for (const Value& item : value.items()) {
        out += mark;
        mark = ',';
        write(out, item, is_canonical);
      }
      out += mark == '[' ? "[]" : "]";
      return;
    }
    case Kind::map: {
      std::vector<const std::pair<std::string, Value>*> entries;
      for (const auto& entry : value.entries().items) entries.push_back(&entry);
      if (is_canonical)
        std::sort(entries.begin(), entries.end(),
                  [](const auto* a, const auto* b) { return a->first < b->first; });
      char mark = '{';
      for (const auto* entry : entries) {
        out += mark;
        mark = ',';
        dump_text(out, entry->first);
        out += ':';
        write(out, entry->second, is_canonical);
      }
      out += mark == '{' ? "{}" : "}";
      return;
    }
  }
}

}  // namespace

Result<Value> parse_json(std::string_view text) { return Reader(text).read(); }

std::string dump(const Value& value) {
  std::string out;
  write(out, value, false);
  return out;
}

void dump_to(std::string& out, const Value& value) { write(out, value, false); }

std::string dump_canonical(const Value& value) {
  std::string out;
  write(out, value, true);
  return out;
}

}  // namespace slipway::agents
