// JSON Schemas (2020-12) of the structs of routes, as components of an OpenAPI document. Requests
// are held to them: what the document says is what the server accepts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <vector>

#include "core/json.hpp"
#include "http/problem.hpp"

namespace slipway::http {

/// What clients are told of a struct, and requests are held to, beyond its fields: a JSON Schema
/// object laid over the generated one (objects are merged, all else is replaced, null removes).
///
///   template <>
///   struct http::Notes<SearchRequest> {
///     static constexpr std::string_view schema =
///         R"({"required": ["query"], "properties": {"limit": {"minimum": 1, "maximum": 1000}}})";
///   };
///
/// Requests are checked for type, enum, const, minimum, maximum, minLength, maxLength, pattern
/// (character classes with counts, or "\\S" for one that is no white space), minItems, maxItems,
/// minProperties, properties, required, additionalProperties, propertyNames, items, anyOf and
/// $ref; everything else is told only. A struct of one's own may have `static constexpr
/// std::string_view schema_notes` instead. Those of described bases count too.
template <typename T>
struct Notes {};

/// How a type appears that `json::to` does not write: specialise with `static json::Value
/// write(const T&)`, and `using Shape = ...`, a described struct whose schema is that of the text.
template <typename T>
struct Wire {};

enum class Direction {
  request,  ///< Members may be left out: what is missing keeps its default.
  reply     ///< All members are there.
};

/// The schemas of one document. Filled while routes are declared, then only read.
class Schemas {
 public:
  /// {"$ref": "#/components/schemas/SearchRequest"}, or the schema itself of what has no fields.
  template <typename T>
  json::Object of(Direction direction);
  /// The object schema itself, which is not made a component: of parameters.
  template <typename T>
  json::Object object_of(Direction direction);
  /// A component written by hand, for Notes to refer to.
  void add(std::string name, json::Object schema) { components_[name] = std::move(schema); }
  const json::Object& components() const { return components_; }

 private:
  using Key = std::pair<std::type_index, Direction>;
  /// Takes a name for a component; "Box", or "BoxReply" when that is another schema's.
  std::string name_for(const Key& key, const std::type_info& type);

  std::map<Key, std::string> names_;
  json::Object components_;
};

/// All that is wrong with `value`; pointers begin with `root`. Stops after a few dozen.
std::vector<Issue> validate(const json::Value& value, const json::Object& schema,
                            const json::Object& components, std::string_view root);

namespace detail {

/// Objects are merged, null removes, all else replaces.
void lay_over(json::Object& target, const json::Object& notes);
/// Of a note in the source. A text that is no JSON object is a bug.
json::Object parse_note(std::string_view text);
/// The schema, or null in its place.
json::Object or_null(json::Object schema);
/// "slipway::rag::SearchRequest" -> "SearchRequest"
std::string plain_name(const std::type_info& type);

template <typename T>
concept HasNotes = requires {
  Notes<T>::schema;
};
template <typename T>
concept HasOwnNotes = requires {
  T::schema_notes;
};
template <typename T>
concept HasWire = requires {
  typename Wire<T>::Shape;
};

/// Those of its described bases first.
template <typename T>
void add_notes(json::Object& schema) {
  boost::mp11::mp_for_each<boost::describe::describe_bases<T, boost::describe::mod_public>>(
      [&](auto base) { add_notes<typename decltype(base)::type>(schema); });
  if constexpr (HasNotes<T>) lay_over(schema, parse_note(Notes<T>::schema));
  if constexpr (HasOwnNotes<T>) lay_over(schema, parse_note(T::schema_notes));
}

/// How a field of type T is described.
template <typename T>
struct FieldSchema {
  static json::Object make(Schemas& schemas, Direction direction) {
    return schemas.of<T>(direction);
  }
};
template <>
struct FieldSchema<json::Value> {
  static json::Object make(Schemas&, Direction) { return {}; }
};
template <>
struct FieldSchema<json::Object> {
  static json::Object make(Schemas&, Direction) { return {{"type", "object"}}; }
};
template <>
struct FieldSchema<bool> {
  static json::Object make(Schemas&, Direction) { return {{"type", "boolean"}}; }
};
template <>
struct FieldSchema<std::string> {
  static json::Object make(Schemas&, Direction) { return {{"type", "string"}}; }
};
template <typename T>
requires std::is_floating_point_v<T>
struct FieldSchema<T> {
  static json::Object make(Schemas&, Direction direction) {
    // What is not finite is written as null.
    if (direction == Direction::reply) return {{"type", json::Array{"number", "null"}}};
    return {{"type", "number"}};
  }
};
template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct FieldSchema<T> {
  static json::Object make(Schemas&, Direction) {
    json::Object schema{{"type", "integer"}};
    schema["minimum"] = std::numeric_limits<T>::min();
    schema["maximum"] = std::numeric_limits<T>::max();
    return schema;
  }
};
template <typename T>
requires std::is_enum_v<T>
struct FieldSchema<T> {
  static json::Object make(Schemas&, Direction) {
    json::Array names;
    for (const std::string& name : json::names<T>()) names.emplace_back(name);
    return {{"type", "string"}, {"enum", std::move(names)}};
  }
};
template <typename T>
struct FieldSchema<std::optional<T>> {
  static json::Object make(Schemas& schemas, Direction direction) {
    return or_null(FieldSchema<T>::make(schemas, direction));
  }
};
template <typename T>
struct FieldSchema<std::vector<T>> {
  static json::Object make(Schemas& schemas, Direction direction) {
    return {{"type", "array"}, {"items", FieldSchema<T>::make(schemas, direction)}};
  }
};
template <typename T, std::size_t N>
struct FieldSchema<std::array<T, N>> {
  static json::Object make(Schemas& schemas, Direction direction) {
    return {{"type", "array"},
            {"items", FieldSchema<T>::make(schemas, direction)},
            {"minItems", N},
            {"maxItems", N}};
  }
};
template <typename T>
struct FieldSchema<std::map<std::string, T>> {
  static json::Object make(Schemas& schemas, Direction direction) {
    return {{"type", "object"}, {"additionalProperties", FieldSchema<T>::make(schemas, direction)}};
  }
};

template <typename T>
constexpr bool is_component = json::detail::is_described<T>&& std::is_class_v<T>;

}  // namespace detail

template <typename T>
json::Object Schemas::object_of(Direction direction) {
  const T defaults{};
  json::Object properties;
  json::Array required;
  boost::mp11::mp_for_each<boost::describe::describe_members<
      T, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto member) {
    using Field = std::remove_cv_t<std::remove_reference_t<decltype(defaults.*member.pointer)>>;
    json::Object property = detail::FieldSchema<Field>::make(*this, direction);
    if constexpr (!detail::HasWire<Field>) {
      const json::Value value = json::to(defaults.*member.pointer);
      if (direction == Direction::request && !value.is_object() && !value.is_null() &&
          value != json::Value("") && value != json::Value(json::Array()))
        property["default"] = value;
    }
    properties[member.name] = std::move(property);
    if (direction == Direction::reply) required.emplace_back(member.name);
  });
  if constexpr (json::detail::Required<T>)
    if (direction == Direction::request)
      for (const std::string_view key : T::required) required.emplace_back(key);
  json::Object schema{
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  detail::add_notes<T>(schema);
  return schema;
}

template <typename T>
json::Object Schemas::of(Direction direction) {
  if constexpr (detail::HasWire<T>) {
    return of<typename Wire<T>::Shape>(direction);
  } else if constexpr (detail::is_component<T>) {
    const Key key{typeid(T), direction};
    auto known = names_.find(key);
    if (known == names_.end()) {
      known = names_.emplace(key, name_for(key, typeid(T))).first;
      const std::string name = known->second;
      components_[name] = json::Object();  // A struct may hold more of its kind.
      components_[name] = object_of<T>(direction);
    }
    return {{"$ref", "#/components/schemas/" + names_.at(key)}};
  } else {
    return detail::FieldSchema<T>::make(*this, direction);
  }
}

}  // namespace slipway::http
