// Proto3's JSON as OTLP bends it: names in lowerCamelCase or as in the .proto file, ids in
// hexadecimal, 64-bit numbers as strings or numbers, enums as numbers or names, null for a default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace slipway::trace::detail {

/// Parsed into `memory`, which outlives the value. Fails: invalid_argument with line and column.
Result<json::Value> parse_otlp_json(std::string_view body, boost::json::storage_ptr memory);

/// Where a value stands: "$.resourceSpans[0].resource". Lives on the stack, below its parent.
struct JsonPath {
  const JsonPath* parent = nullptr;
  std::string_view key;  ///< Empty: an item of an array.
  std::size_t index = 0;
  std::string text() const;
};

/// A field of a message and its two names.
struct JsonName {
  std::string_view camel, snake;
};

/// An object and where it stands; both outlive it.
class JsonMessage {
 public:
  JsonMessage(const json::Object& object, const JsonPath& path) : object_(object), path_(path) {}
  const JsonPath& path() const { return path_; }
  /// Null: absent, or null.
  const json::Value* find(JsonName name) const;
  /// Of what is absent: nothing, or 0. All fail: invalid_argument with the path.
  Result<std::string_view> text(JsonName name) const;
  Result<std::uint64_t> number(JsonName name) const;
  /// A number or one of `names`, which stand at their numbers.
  Result<std::uint64_t> enumerator(JsonName name, const std::vector<std::string_view>& names) const;

  /// Calls `read(JsonMessage)`, which gives a Result<void>, for the message or each one of a list.
  template <typename Read>
  Result<void> message(JsonName name, Read read) const {
    const json::Value* const value = find(name);
    if (!value) return {};
    const JsonPath path{&path_, name.camel};
    if (!value->is_object()) return expected(path, "an object", *value);
    return read(JsonMessage(value->get_object(), path));
  }
  template <typename Read>
  Result<void> messages(JsonName name, Read read) const {
    const json::Value* const value = find(name);
    if (!value) return {};
    const JsonPath path{&path_, name.camel};
    if (!value->is_array()) return expected(path, "an array", *value);
    JsonPath at{&path};
    for (const json::Value& item : value->get_array()) {
      if (!item.is_object()) return expected(at, "an object", item);
      TRY(read(JsonMessage(item.get_object(), at)));
      ++at.index;
    }
    return {};
  }
  static Error expected(const JsonPath& path, std::string_view what, const json::Value& got);

 private:
  const json::Object& object_;
  const JsonPath& path_;
};

}  // namespace slipway::trace::detail
