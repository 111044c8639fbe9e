// YAML read as JSON values, so that one walker checks configuration and requests alike.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace slipway::yaml {

/// A document and where its values stand.
struct Document {
  json::Value value;  ///< Maps become objects in their order; YAML 1.2 core scalars are typed.
  std::map<std::string, int> lines;  ///< "$.serving.timeout_ms" -> 1-based line of that key.
};

/// Refuses a second document, duplicate keys, non-scalar keys, aliases that expand to more than a
/// million nodes and more than 64 levels. An empty text is an empty object. Fails: invalid_argument
/// with line and column.
Result<Document> parse(std::string_view text);

/// `json::from` with the line in front of its message: "line 12: $.modles: unknown key; did you
/// mean 'models'?"
template <typename T>
Result<T> from(const Document& document);

/// Puts the line of the path that `error` starts with in front of it.
Error locate(Error error, const Document& document);

template <typename T>
Result<T> from(const Document& document) {
  auto result = json::from<T>(document.value);
  if (!result) return locate(std::move(result.error()), document);
  return result;
}

}  // namespace slipway::yaml
