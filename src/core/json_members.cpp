#include "core/json_members.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <cstring>

#include "core/json.hpp"
#include "core/json_plain.hpp"
#include "core/json_value_end.hpp"

namespace slipway::json {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// Behind the string that begins at `at` with its quote.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const std::size_t begin = at++;
  for (;;) {
    const void* found =
        at < text.size() ? std::memchr(text.data() + at, '"', text.size() - at) : nullptr;
    if (found == nullptr) return text.size();
    at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    std::size_t slashes = 0;
    while (at - slashes > begin + 1 && text[at - slashes - 1] == '\\') ++slashes;
    ++at;
    if (slashes % 2 == 0) return at;
  }
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' &&
           !is_blank(text[at]))
      ++at;
    return at;
  }
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

/// Makes nothing of what it reads.
struct Nothing {
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);
  using Failed = boost::system::error_code;
  bool on_document_begin(Failed&) { return true; }
  bool on_document_end(Failed&) { return true; }
  bool on_object_begin(Failed&) { return true; }
  bool on_object_end(std::size_t, Failed&) { return true; }
  bool on_array_begin(Failed&) { return true; }
  bool on_array_end(std::size_t, Failed&) { return true; }
  bool on_key_part(boost::json::string_view, std::size_t, Failed&) { return true; }
  bool on_key(boost::json::string_view, std::size_t, Failed&) { return true; }
  bool on_string_part(boost::json::string_view, std::size_t, Failed&) { return true; }
  bool on_string(boost::json::string_view, std::size_t, Failed&) { return true; }
  bool on_number_part(boost::json::string_view, Failed&) { return true; }
  bool on_int64(std::int64_t, boost::json::string_view, Failed&) { return true; }
  bool on_uint64(std::uint64_t, boost::json::string_view, Failed&) { return true; }
  bool on_double(double, boost::json::string_view, Failed&) { return true; }
  bool on_bool(bool, Failed&) { return true; }
  bool on_null(Failed&) { return true; }
  bool on_comment_part(boost::json::string_view, Failed&) { return true; }
  bool on_comment(boost::json::string_view, Failed&) { return true; }
};

}  // namespace

std::size_t value_end(std::string_view text, std::size_t at) { return skip_value(text, at); }

Members::Members(std::string_view text) : text_(text), at_(skip_blanks(text, 0)) {
  if (at_ < text_.size() && text_[at_] == '{')
    ++at_;
  else
    at_ = text_.size();
}

bool Members::next(Member& member) {
  at_ = skip_blanks(text_, at_);
  if (at_ < text_.size() && text_[at_] == ',') at_ = skip_blanks(text_, at_ + 1);
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  const std::size_t key = at_;
  at_ = skip_string(text_, at_);
  if (at_ < key + 2) return false;
  member.key = text_.substr(key + 1, at_ - key - 2);
  at_ = skip_blanks(text_, at_);
  if (at_ >= text_.size() || text_[at_] != ':') return false;
  const std::size_t begin = skip_blanks(text_, at_ + 1);
  at_ = skip_value(text_, begin);
  member.value = text_.substr(begin, at_ - begin);
  return !member.value.empty();
}

Items::Items(std::string_view text) : text_(text), at_(skip_blanks(text, 0)) {
  if (at_ < text_.size() && text_[at_] == '[')
    ++at_;
  else
    at_ = text_.size();
}

bool Items::next(std::string_view& item) {
  at_ = skip_blanks(text_, at_);
  if (at_ < text_.size() && text_[at_] == ',') at_ = skip_blanks(text_, at_ + 1);
  if (at_ >= text_.size() || text_[at_] == ']') return false;
  const std::size_t begin = at_;
  at_ = skip_value(text_, begin);
  item = text_.substr(begin, at_ - begin);
  return !item.empty();
}

std::string_view member(std::string_view object, std::string_view key) {
  Members members(object);
  for (Member one; members.next(one);)
    if (one.key == key) return one.value;
  return {};
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return {};
  const std::string_view inside = value.substr(1, value.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);
  const auto parsed = parse(value);
  if (!parsed || !parsed->is_string()) return {};
  return std::string(parsed->get_string());
}

void append_quoted(std::string& out, std::string_view text) {
  // Most need no escape, and then no value is made of them.
  if (plain_end(text, 0) < text.size()) {
    out += dump(Value(boost::json::string(text)));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

bool is_valid(std::string_view text) {
  constexpr std::size_t depth_max = 64;
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::json::basic_parser<Nothing> parser(options);
  boost::system::error_code failed;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), failed);
  return !failed && read == text.size();
}

}  // namespace slipway::json
