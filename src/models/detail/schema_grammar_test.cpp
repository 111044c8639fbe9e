// What the grammars allow is compared with Python's jsonschema in tests/peers/schemas.
#include "models/detail/schema_grammar.hpp"

#include <doctest/doctest.h>

#include "models/detail/number_grammar.hpp"
#include "models/detail/pattern_grammar.hpp"

using namespace slipway;
using namespace slipway::models::detail;

namespace {

Result<std::string> grammar_of(const char* schema) {
  return schema_grammar(*json::parse(schema), "schema");
}

/// The code and the beginning of the message.
void refuses(const char* schema, Code code, const char* path) {
  CAPTURE(schema);
  const auto grammar = grammar_of(schema);
  REQUIRE_FALSE(grammar.ok());
  CHECK(grammar.error().code() == code);
  CAPTURE(grammar.error().message());
  CHECK(grammar.error().message().find(path) != std::string::npos);
}

}  // namespace

TEST_CASE("what no grammar keeps is refused by its path, wherever it stands") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type": "array", "uniqueItems": true})", "schema.uniqueItems"},
      {R"({"properties": {"a": {"not": {}}}, "required": ["a"]})", "schema.properties.a.not"},
      {R"({"type": "object", "patternProperties": {"^a": {}}})", "schema.patternProperties"},
      {R"({"type": "object", "propertyNames": {}})", "schema.propertyNames"},
      {R"({"type": "object", "dependentRequired": {}})", "schema.dependentRequired"},
      {R"({"type": "object", "unevaluatedProperties": false})", "schema.unevaluatedProperties"},
      {R"({"type": "object", "minProperties": 2})", "schema.minProperties"},
      {R"({"if": {}, "then": {}})", "schema.if"},
      {R"({"type": "array", "contains": {}})", "schema.contains"},
      {R"({"type": "array", "items": [{"type": "null"}]})", "schema.items"},
      {R"({"items": {"anyOf": [{"multipleOf": 3}]}})", "schema.items.anyOf[0].multipleOf"},
      {R"({"type": "string", "format": "regex"})", "schema.format: 'regex'"},
      {R"({"type": "string", "pattern": "a", "minLength": 3})", "schema.pattern"},
      {R"~({"type": "string", "pattern": "(?=a)"})~", "schema.pattern"},
      {R"({"$ref": "http://example.org/schema"})", "schema.$ref"},
      {R"({"$ref": "#name"})", "schema.$ref"},
      {R"({"allOf": [{"misspelled": 1}]})", "schema.allOf[0].misspelled"},
      {R"({"enum": [1], "pattern": "a"})", "schema"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "schema.oneOf"},
      {R"({"oneOf": [{"type": "object"}, {"type": "object", "required": ["a"]}]})", "schema.oneOf"},
      {R"({"oneOf": [{}, {"type": "null"}]})", "schema.oneOf"},
      {R"({"minimum": 1e300, "type": "number"})", "schema.minimum"}};
  for (const auto& [schema, path] : cases) refuses(schema, Code::unsupported, path);
}

TEST_CASE("what is no schema, and what nothing meets, is refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"3", "schema: a schema is an object"},
      {R"({"type": "text"})", "schema.type"},
      {R"({"properties": 1})", "schema.properties"},
      {R"({"required": [1]})", "schema.required"},
      {R"({"enum": 1})", "schema.enum"},
      {R"({"anyOf": []})", "schema.anyOf"},
      {R"({"type": "string", "minLength": -1})", "schema.minLength"},
      {R"({"type": "integer", "minimum": "1"})", "schema.minimum"},
      {R"({"type": "string", "pattern": "(a"})", "schema.pattern"},
      {R"({"$ref": "#/$defs/a"})", "there is no '#/$defs/a'"},
      {"false", "nothing is valid"},
      {R"({"enum": []})", "nothing is valid"},
      {R"({"allOf": [{"type": "string"}, {"type": "null"}]})", "nothing is valid"},
      {R"({"type": "integer", "minimum": 3, "exclusiveMaximum": 3})", "nothing is valid"},
      {R"({"type": "string", "minLength": 3, "maxLength": 2})", "nothing is valid"},
      {R"({"type": "array", "prefixItems": [{}], "items": false, "minItems": 2})",
       "nothing is valid"},
      {R"({"type": "object", "properties": {}, "required": ["a"], "additionalProperties": false})",
       "nothing is valid"}};
  for (const auto& [schema, path] : cases) refuses(schema, Code::invalid_argument, path);
}

TEST_CASE("schemas of all kinds become grammars") {
  for (const char* schema :
       {"true", "{}", R"({"$ref": "#"})", R"({"type": ["string", "null"], "maxLength": 20000})",
        R"({"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"})",
        R"({"oneOf": [{"type": "integer"}, {"type": "string"}, {"enum": [null, true]}]})",
        R"({"oneOf": [{"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"]},
                      {"type": "object", "properties": {"k": {"enum": [2, 3]}},
                       "required": ["k"]}]})",
        R"({"anyOf": [{"type": "integer", "minimum": 3, "maximum": 1}, {"type": "null"}]})",
        R"({"type": "object", "properties": {"a": false, "b": {}},
           "additionalProperties": {"type": "null"}})",
        R"({"title": "T", "x-order": 1, "description": "d", "default": {}, "type": "boolean"})"}) {
    CAPTURE(schema);
    const auto grammar = grammar_of(schema);
    CAPTURE((grammar.ok() ? "" : grammar.error().message()));
    CHECK(grammar.ok());
  }
  CHECK(grammar_of(R"({"anyOf": [false, {"const": "only"}]})")->find("only") != std::string::npos);
  // An allowed key is never one of the named ones, and the named one keeps its own schema.
  CHECK(grammar_of(R"({"properties": {"ab": {"type": "null"}}, "additionalProperties": true})")
            ->find("[ !#-ac-[]") == std::string::npos);
}

TEST_CASE("a schema that grows without end is refused, not followed") {
  std::string deep = "{}";
  for (int i = 0; i < 30; ++i) deep = R"({"type": "array", "items": )" + deep + "}";
  CHECK(grammar_of(deep.c_str()).ok());
  json::Array many;
  for (int i = 0; i < 3000; ++i)
    many.push_back(json::Object{{"const", std::string(300, 'x') + std::to_string(i)}});
  const auto large = schema_grammar(json::Object{{"anyOf", many}}, "schema");
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().message().find("too large") != std::string::npos);
}

TEST_CASE("numbers are bounded digit by digit") {
  CHECK(*integer_grammar({3, 3, false, false}) == R"("3" "")");
  CHECK(*integer_grammar({0, 9, false, false}) == R"(([0-9] ""))");
  CHECK(*integer_grammar({-1, 0, true, false}) == R"("0" "")");
  CHECK(integer_grammar({8, 12, false, false})->find(R"(([8-9] "") | "1" ([0-2] ""))") == 0);
  CHECK_FALSE(integer_grammar({0.5, 0.7, false, false}));
  CHECK_FALSE(number_grammar({1, 1, true, false}));
  CHECK(number_grammar({0, 1, false, false})->find("(\".\" [0-9]{1,14})?") != std::string::npos);
}

TEST_CASE("patterns become rules, or say what they hold that is not supported") {
  CHECK(*pattern_grammar("^ab$") == R"([a] [b])");
  CHECK(*pattern_grammar("a|b") == R"(([a] | [b]))");
  CHECK(*pattern_grammar("(?:\\d{2,3})?") == R"(([0-9]{2,3})?)");
  CHECK(*pattern_grammar("\"") == R"("\\\"")");
  CHECK(*pattern_grammar("") == R"("")");
  for (const char* odd :
       {"a(?=b)", "(?<=a)b", "\\bword", "\\1", "a^b", "a$b", "\\p{L}", "a{5000}"}) {
    CAPTURE(odd);
    REQUIRE_FALSE(pattern_grammar(odd).ok());
    CHECK(pattern_grammar(odd).error().code() == Code::unsupported);
  }
  for (const char* bad :
       {"(", ")", "[a", "*", "a**", "a{2,1}", "\\", "[b-a]", "\\xZZ", "{", "(?<n"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(pattern_grammar(bad).ok());
    CHECK(pattern_grammar(bad).error().code() == Code::invalid_argument);
  }
}
