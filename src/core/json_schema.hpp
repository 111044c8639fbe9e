// JSON Schema (2020-12) of described structs, from the same field lists that the walker of
// core/json.hpp reads: what the schema accepts is what `json::from` accepts, `validate()` aside.
//
//   json::Value schema = json::schema<SearchRequest>("A search request");
#pragma once

#include <limits>

#include "core/json.hpp"

namespace slipway::json {

namespace detail {

template <typename T>
struct SchemaOf;

template <>
struct SchemaOf<Value> {
  static Object make() { return {}; }  ///< Anything.
};
template <>
struct SchemaOf<Object> {
  static Object make() { return {{"type", "object"}}; }
};
template <>
struct SchemaOf<bool> {
  static Object make() { return {{"type", "boolean"}}; }
};
template <>
struct SchemaOf<std::string> {
  static Object make() { return {{"type", "string"}}; }
};

template <typename T>
requires std::is_floating_point_v<T>
struct SchemaOf<T> {
  static Object make() { return {{"type", "number"}}; }
};

template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct SchemaOf<T> {
  static Object make() {
    Object schema{{"type", "integer"}};
    if constexpr (std::is_unsigned_v<T>) schema["minimum"] = 0;
    // Bounds of 64-bit types say nothing to a reader, and editors cannot hold them exactly.
    if constexpr (sizeof(T) < 8) {
      schema["minimum"] = std::numeric_limits<T>::min();
      schema["maximum"] = std::numeric_limits<T>::max();
    }
    return schema;
  }
};

template <typename T>
requires std::is_enum_v<T>
struct SchemaOf<T> {
  static Object make() {
    Array names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
        [&](auto enumerator) { names.push_back(Value(enumerator.name)); });
    return {{"type", "string"}, {"enum", std::move(names)}};
  }
};

template <typename T>
struct SchemaOf<std::optional<T>> {
  static Object make() { return {{"anyOf", Array{SchemaOf<T>::make(), Object{{"type", "null"}}}}}; }
};

template <typename T>
struct SchemaOf<std::vector<T>> {
  static Object make() { return {{"type", "array"}, {"items", SchemaOf<T>::make()}}; }
};

template <typename T>
struct SchemaOf<std::map<std::string, T>> {
  static Object make() {
    return {{"type", "object"}, {"additionalProperties", SchemaOf<T>::make()}};
  }
};

template <typename T>
requires(is_described<T>&& std::is_class_v<T>) struct SchemaOf<T> {
  static Object make() {
    const T defaults{};
    Object properties;
    boost::mp11::mp_for_each<boost::describe::describe_members<
        T, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto member) {
      using Field = std::remove_cv_t<std::remove_reference_t<decltype(defaults.*member.pointer)>>;
      Object property = SchemaOf<Field>::make();
      const Value value = detail::write(defaults.*member.pointer);
      // The default of a nested object is told by its own properties.
      if (!value.is_object()) property["default"] = value;
      properties[member.name] = std::move(property);
    });
    Object schema{
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if constexpr (Required<T>) {
      Array names;
      for (const std::string_view key : T::required) names.push_back(Value(key));
      schema["required"] = std::move(names);
    }
    return schema;
  }
};

}  // namespace detail

/// A whole schema document. Keys that have a C++ default carry it as `default`.
template <typename T>
Value schema(std::string_view title) {
  Object document{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  for (const auto& [key, value] : detail::SchemaOf<T>::make()) document[key] = value;
  return document;
}

}  // namespace slipway::json
