// Whether a JSON value is what a JSON Schema (2020-12) says.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/json.hpp"
#include "core/pattern.hpp"

namespace slipway::gateway::detail {

/// Immutable. A keyword that it does not know is refused when it is made, never skipped when it is
/// used; annotations (title, description, default, examples, format ...) assert nothing.
class SchemaCheck {
 public:
  /// Fails: invalid_argument (the path of what is wrong in the schema).
  static Result<std::shared_ptr<const SchemaCheck>> make(json::Value schema);
  /// Fails: invalid_argument (the path of the first thing that is wrong in the value).
  Result<void> check(const json::Value& value) const;

 protected:
  SchemaCheck() = default;

 private:
  Result<void> check_references(const json::Value& schema, const std::string& path) const;
  Result<void> prepare(const json::Value& schema, const std::string& path, int depth);
  Result<void> prepare_all(const json::Value& schemas, const std::string& path, int depth);
  Result<void> prepare_keyword(std::string_view key, const json::Value& value,
                               const std::string& path, int depth);
  Result<const json::Value*> resolve(std::string_view reference) const;

  Result<void> check(const json::Value& schema, const json::Value& value, const std::string& path,
                     int depth) const;
  Result<void> check_scalars(const json::Object& schema, const json::Value& value,
                             const std::string& path) const;
  Result<void> check_object(const json::Object& schema, const json::Object& value,
                            const std::string& path, int depth) const;
  Result<void> check_array(const json::Object& schema, const json::Array& value,
                           const std::string& path, int depth) const;
  Result<void> check_choices(const json::Object& schema, const json::Value& value,
                             const std::string& path, int depth) const;
  const Pattern& pattern(std::string_view text) const;

  json::Value schema_;
  std::map<std::string, Pattern, std::less<>> patterns_;
  std::set<const json::Value*> prepared_;  ///< What a $ref may mean.
};

}  // namespace slipway::gateway::detail
