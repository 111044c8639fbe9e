#include "http/message.hpp"

#include <algorithm>

#include "core/hex.hpp"
#include "core/unicode.hpp"
#include "http/detail/blanks.hpp"

namespace slipway::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Weak entity tags compare by what stands in the quotes.
std::string_view opaque_tag(std::string_view tag) {
  tag = detail::without_blanks(tag);
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Headers::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (equals_ignoring_case(key, name)) return &value;
  return nullptr;
}

std::string_view Headers::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : *value;
}

void Headers::add(std::string name, std::string value) {
  constexpr std::size_t usual = 8;
  if (items_.empty()) items_.reserve(usual);
  items_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return equals_ignoring_case(item.first, name); });
}

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  const auto is_coded = [plus](char c) { return c == '%' || (plus && c == '+'); };
  for (;;) {
    const auto plain = std::find_if(text.begin(), text.end(), is_coded);
    out.append(text.begin(), plain);
    if (plain == text.end()) break;
    text.remove_prefix(static_cast<std::size_t>(plain - text.begin()));
    if (text.front() == '+') {
      out += ' ';
      text.remove_prefix(1);
      continue;
    }
    constexpr std::size_t escape_size = 3;
    if (text.size() < escape_size) return {};
    const int high = hex::value(text[1]);
    const int low = hex::value(text[2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    text.remove_prefix(escape_size);
  }
  if (out.find('\0') != std::string::npos || !unicode::is_valid_utf8(out)) return {};
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
                          c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::string()
                                                  : percent_decode(part.substr(equals + 1), true);
    if (!name || !value) return {};
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const std::string_view one = if_none_match.substr(0, if_none_match.find(','));
    if_none_match.remove_prefix(std::min(if_none_match.size(), one.size() + 1));
    const std::string_view tag = opaque_tag(one);
    if (tag == "*" || (!tag.empty() && tag == opaque_tag(etag))) return true;
  }
  return false;
}

}  // namespace slipway::http
