// Reads the keys of one JSON object by name and remembers which, so that none is dropped unseen.
// The first thing that is wrong is kept; until `status` is asked all goes on with defaults, which
// keeps decoders as flat as the formats that they read.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::dialects::detail {

struct Range {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
};

/// "messages" and "role" -> "messages.role"; the root is "".
std::string join(std::string_view path, std::string_view key);
std::string at(std::string_view path, std::size_t index);

/// Null counts as absent everywhere, as the SDKs send it. The value must outlive this.
class Fields {
 public:
  Fields(const json::Value& value, std::string path);
  Fields(const json::Object& object, std::string path) : object_(&object), path_(std::move(path)) {}

  const json::Value* find(std::string_view key);
  /// As `find`, but the key stays unread.
  const json::Value* peek(std::string_view key) const;
  std::string text(std::string_view key);
  std::string required_text(std::string_view key);
  std::optional<double> number(std::string_view key, Range range = {});
  std::optional<std::int64_t> whole(std::string_view key, Range range = {});
  std::optional<bool> flag(std::string_view key);
  const json::Object* object(std::string_view key);
  const json::Array* array(std::string_view key);
  /// A list of texts; a single text counts as one.
  std::vector<std::string> texts(std::string_view key);
  void skip(std::string_view key) { find(key); }

  std::string path(std::string_view key) const { return join(path_, key); }
  const std::string& path() const { return path_; }
  /// What was not asked for and is not null.
  json::Object rest() const;

  /// Keeps the first error.
  void refuse(Error error);
  void wrong(std::string_view key, std::string_view expected, const json::Value& got);
  bool ok() const { return !error_; }
  Result<void> status() const;

 private:
  const json::Object* object_;
  std::string path_;
  std::vector<std::string_view> read_;
  std::optional<Error> error_;
};

/// "messages[0].role: expected a string, got 5"
Error expected(const std::string& path, std::string_view what, const json::Value& got);

inline void put(json::Object& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
template <typename T>
void put(json::Object& object, std::string_view key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}
/// Adds what `object` does not have; objects of both are merged.
void merge(json::Object& object, const json::Object& more);

}  // namespace slipway::dialects::detail
