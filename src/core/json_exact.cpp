#include "core/json_exact.hpp"

#include <charconv>
#include <cmath>

#include "core/json_members.hpp"

namespace slipway::json {

namespace {

bool has_doubles(const Value& value) {
  if (value.is_double()) return true;
  if (value.is_array()) {
    for (const Value& item : value.get_array())
      if (has_doubles(item)) return true;
  } else if (value.is_object()) {
    for (const auto& item : value.get_object())
      if (has_doubles(item.value())) return true;
  }
  return false;
}

/// `text` is what `value` was parsed from, so it is sound and not too deep.
void correct(std::string_view text, Value& value) {
  if (value.is_double()) {
    double exact = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (error == std::errc()) value = exact;
  } else if (value.is_array()) {
    Items items(text);
    std::string_view item;
    for (Value& one : value.get_array())
      if (items.next(item)) correct(item, one);
  } else if (value.is_object()) {
    Members members(text);
    Member member;
    while (members.next(member)) {
      // Of two members with one name the later is kept, and the later text is read last.
      const bool is_plain = member.key.find('\\') == std::string_view::npos;
      const auto found = value.get_object().find(
          is_plain ? std::string(member.key) : unquoted(fmt::format("\"{}\"", member.key)));
      if (found != value.get_object().end()) correct(member.value, found->value());
    }
  }
}

}  // namespace

Result<Value> parse_exact(std::string_view text) {
  Value value = TRY(parse(text));
  if (has_doubles(value)) correct(text, value);
  return value;
}

}  // namespace slipway::json
