// Requests become structs: names of the path, the query, JSON, forms.
#pragma once

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "http/message.hpp"
#include "http/schema.hpp"

namespace slipway::http::detail {

using Texts = std::vector<std::pair<std::string, std::string>>;

json::Value number_from(std::string_view text, bool is_whole);

/// The JSON of one text, as a field of type T wants it. What is no such text stays a string, and
/// the schema says what is wrong with it.
template <typename T>
struct FromText {
  static json::Value make(std::string_view text) { return json::Value(text); }
};
template <>
struct FromText<bool> {
  static json::Value make(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return json::Value(text);
  }
};
template <typename T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) struct FromText<T> {
  static json::Value make(std::string_view text) {
    return number_from(text, std::is_integral_v<T>);
  }
};
template <>
struct FromText<json::Object> {
  static json::Value make(std::string_view text) {
    auto value = json::parse(text);
    return value ? std::move(*value) : json::Value(text);
  }
};
template <>
struct FromText<json::Value> : FromText<json::Object> {};
template <typename T>
struct FromText<std::optional<T>> : FromText<T> {};
template <typename T>
struct FromText<std::vector<T>> : FromText<T> {};

template <typename T>
constexpr bool is_list = false;
template <typename T>
constexpr bool is_list<std::vector<T>> = true;
template <typename T>
constexpr bool is_list<std::optional<std::vector<T>>> = true;

/// An object of the texts by the fields of T; a name that T does not have stays in, for the schema
/// to refuse. A name that stands twice is an issue, unless its field is a list.
template <typename T>
json::Object object_from(const Texts& texts, std::string_view root, std::vector<Issue>& issues) {
  json::Object object;
  const T defaults{};
  for (const auto& [name, text] : texts) {
    bool is_known = false;
    boost::mp11::mp_for_each<boost::describe::describe_members<
        T, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto member) {
      if (name != member.name) return;
      is_known = true;
      using Field = std::remove_cv_t<std::remove_reference_t<decltype(defaults.*member.pointer)>>;
      json::Value value = FromText<Field>::make(text);
      if constexpr (is_list<Field>) {
        if (!object.contains(name)) object[name] = json::Array();
        object[name].get_array().push_back(std::move(value));
      } else {
        if (object.contains(name))
          issues.push_back({std::string(root) + "/" + pointer_step(name), "is given twice"});
        object[name] = std::move(value);
      }
    });
    if (!is_known) object[name] = text;
  }
  return object;
}

/// A struct of what is sound already; what its own `validate` says becomes an issue.
template <typename T>
std::optional<T> struct_from(const json::Value& value, std::string_view root,
                             std::vector<Issue>& issues) {
  auto read = json::from<T>(value);
  if (read) return *std::move(read);
  issues.push_back(issue_of(read.error(), root));
  return std::nullopt;
}

}  // namespace slipway::http::detail
