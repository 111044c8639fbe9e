// Whether a JSON value is what a JSON Schema (2020-12) that somebody wrote says.
//
//   const auto check = TRY(json::SchemaCheck::make(schema));
//   TRY(check->check(value));                       // "$.answer: expected "string", got a number"
//
// The schemas of our own API, which are made of structs, are the HTTP layer's to check: it tells
// all faults at once, in other words.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/json.hpp"
#include "core/pattern.hpp"

namespace slipway::json {

/// What becomes of a keyword that is not known.
enum class UnknownKeyword {
  refused,  ///< Where a value is admitted by the schema alone.
  ignored,  ///< As the specification says.
};

/// Immutable; safe to use from many threads. Known are type, enum, const, properties,
/// patternProperties, additionalProperties, propertyNames, required, items, prefixItems, contains,
/// uniqueItems, anyOf, oneOf, allOf, not, $ref within the schema, bounds of numbers and sizes,
/// pattern. Annotations (title, description, default, examples, format ...) assert nothing.
class SchemaCheck {
 public:
  /// Fails: invalid_argument (the path of what is wrong in the schema).
  static Result<std::shared_ptr<const SchemaCheck>> make(
      Value schema, UnknownKeyword unknown = UnknownKeyword::refused);
  /// Fails: invalid_argument (the path of the first thing that is wrong in the value; or it takes
  /// more than a million steps, or 64 levels, to find out).
  Result<void> check(const Value& value) const;

 protected:
  explicit SchemaCheck(UnknownKeyword unknown) : unknown_(unknown) {}

 private:
  class Walk;
  Result<void> check_references(const Value& schema, const std::string& path) const;
  Result<void> prepare(const Value& schema, const std::string& path, int depth);
  Result<void> prepare_all(const Value& schemas, const std::string& path, int depth);
  Result<void> prepare_keyword(std::string_view key, const Value& value, const std::string& path,
                               int depth);
  Result<const Value*> resolve(std::string_view reference) const;
  const Pattern& pattern(std::string_view text) const;

  const UnknownKeyword unknown_;
  Value schema_;
  std::map<std::string, Pattern, std::less<>> patterns_;
  std::set<const Value*> prepared_;  ///< What a $ref may mean.
};

}  // namespace slipway::json
