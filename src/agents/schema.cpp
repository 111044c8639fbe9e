// What a reply must look like, checked: the part of JSON Schema that shapes data.
#include "agents/graph.hpp"

namespace slipway::agents {

namespace {

Failure wrong(const std::string& path, std::string message) {
  return {"schema", fmt::format("{}: {}", path, message)};
}

bool has_type(const std::string& name, const Value& value) {
  if (name == "string") return value.is_text();
  if (name == "integer") return value.is_integer();
  if (name == "number") return value.is_number();
  if (name == "boolean") return value.is_boolean();
  if (name == "array") return value.is_list();
  if (name == "object") return value.is_map();
  if (name == "null") return value.is_null();
  return true;
}

Outcome<bool> check_value(const Value& schema, const Value& value, const std::string& path);

Outcome<bool> check_type(const Value& type, const Value& value, const std::string& path) {
  if (type.is_text() && !has_type(type.text(), value))
    return wrong(path, fmt::format("expected {}, got {}", type.text(), kind_name(value)));
  if (!type.is_list()) return true;
  for (const Value& one : type.items())
    if (one.is_text() && has_type(one.text(), value)) return true;
  return wrong(path, fmt::format("{} is of none of the allowed types", kind_name(value)));
}

Outcome<bool> check_map(const Value& schema, const Value& value, const std::string& path) {
  const Value& properties = schema.at("properties");
  if (schema.at("required").is_list())
    for (const Value& name : schema.at("required").items())
      if (name.is_text() && value.find(name.text()) == nullptr)
        return wrong(path, fmt::format("'{}' is missing", name.text()));
  for (const auto& [name, item] : value.entries().items) {
    if (const Value* property = properties.find(name)) {
      SLIPWAY_GET(check_value(*property, item, path + "." + name));
    } else if (schema.at("additionalProperties") == Value(false)) {
      return wrong(path, fmt::format("'{}' is not allowed", name));
    }
  }
  return true;
}

Outcome<bool> check_value(const Value& schema, const Value& value, const std::string& path) {
  if (!schema.is_map()) return true;
  SLIPWAY_GET(check_type(schema.at("type"), value, path));
  if (schema.at("enum").is_list()) {
    bool is_listed = false;
    for (const Value& one : schema.at("enum").items()) is_listed = is_listed || one == value;
    if (!is_listed) return wrong(path, fmt::format("{} is none of the allowed", dump(value)));
  }
  if (value.is_number()) {
    const Value& low = schema.at("minimum");
    const Value& high = schema.at("maximum");
    if ((low.is_number() && value.number() < low.number()) ||
        (high.is_number() && value.number() > high.number()))
      return wrong(path, fmt::format("{} is out of range", in_words(value)));
  }
  if (value.is_list()) {
    std::size_t at = 0;
    for (const Value& item : value.items())
      SLIPWAY_GET(check_value(schema.at("items"), item, fmt::format("{}[{}]", path, at++)));
  }
  if (value.is_map()) return check_map(schema, value, path);
  return true;
}

}  // namespace

Outcome<bool> Schema::check(const Value& value) const { return check_value(json, value, "$"); }

}  // namespace slipway::agents
