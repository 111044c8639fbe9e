// JSON Schema becomes a grammar whose every sentence is valid under it.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"
#include "models/detail/grammar.hpp"

namespace slipway::models::detail {

/// The rule of a schema (draft 2020-12), added to `grammar`; `path` is where it
/// stands in the request. The grammar may allow less than the schema:
/// properties come in their order, those that nobody named are not made up
/// unless `additionalProperties` says what they are, texts end at 16,000
/// characters. Fails, naming the path: unsupported (a keyword that no grammar
/// keeps), invalid_argument (no schema, or nothing is valid under it, or it is
/// too large).
Result<std::string> schema_rule(Grammar& grammar, const json::Value& schema, std::string_view path);

/// A whole grammar. Fails: as `schema_rule`.
Result<std::string> schema_grammar(const json::Value& schema,
                                   std::string_view path = "response_format.json_schema.schema");
/// Of any object.
Result<std::string> json_object_grammar();

}  // namespace slipway::models::detail
