#include "http/schema.hpp"

#include <boost/core/demangle.hpp>

namespace slipway::http {

namespace detail {

void lay_over(json::Object& target, const json::Object& notes) {
  for (const auto& [key, note] : notes) {
    if (note.is_null()) {
      target.erase(key);
    } else if (note.is_object() && target.contains(key) && target[key].is_object()) {
      lay_over(target[key].get_object(), note.get_object());
    } else {
      target[key] = note;
    }
  }
}

json::Object parse_note(std::string_view text) {
  auto note = json::parse(text);
  SLIPWAY_ASSERT(note && note->is_object());
  return std::move(note->get_object());
}

json::Object or_null(json::Object schema) {
  const auto type = schema.find("type");
  const bool is_simple = type != schema.end() && type->value().is_string() &&
                         !schema.contains("enum") && !schema.contains("const");
  if (schema.empty()) return schema;  // Anything may be null already.
  if (is_simple) {
    type->value() = json::Array{type->value(), "null"};
    return schema;
  }
  if (type != schema.end() && type->value().is_array()) return schema;
  return {{"anyOf", json::Array{std::move(schema), json::Object{{"type", "null"}}}}};
}

std::string plain_name(const std::type_info& type) {
  std::string name = boost::core::demangle(type.name());
  if (const std::size_t at = name.rfind("::"); at != std::string::npos) name.erase(0, at + 2);
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  return name;
}

}  // namespace detail

std::string Schemas::name_for(const Key& key, const std::type_info& type) {
  const std::string plain = detail::plain_name(type);
  if (!components_.contains(plain)) return plain;
  std::string name = plain + (key.second == Direction::reply ? "Reply" : "Request");
  for (int number = 2; components_.contains(name); ++number) name = plain + std::to_string(number);
  return name;
}

}  // namespace slipway::http
