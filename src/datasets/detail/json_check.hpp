// JSON Schemas that users write: values are held to what is understood of them, and no schema,
// however strange, does harm.
#pragma once

#include <string>

#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::datasets::detail {

/// Whether it can be used. Understood are type, enum, const, properties, required,
/// additionalProperties, items, prefixItems, anyOf, oneOf, allOf, not, $ref within the schema,
/// bounds of numbers and sizes, pattern; other keywords ask for nothing.
/// Fails: invalid_argument naming the keyword.
Result<void> check_schema(const json::Object& schema);

/// The first thing that is wrong: "$.answer: expected a string, got 5". The schema passed
/// `check_schema`. Fails: invalid_argument.
Result<void> check_value(const json::Value& value, const json::Object& schema);

}  // namespace slipway::datasets::detail
