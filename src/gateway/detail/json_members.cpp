#include "gateway/detail/json_members.hpp"

#include <cstring>

#include "core/json.hpp"

namespace slipway::gateway::detail {

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

}  // namespace

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
  const auto parsed = json::parse(value);
  if (!parsed || !parsed->is_string()) return {};
  return std::string(parsed->get_string());
}

std::string as_json_string(std::string_view text) {
  return json::dump(json::Value(boost::json::string(text)));
}

}  // namespace slipway::gateway::detail
