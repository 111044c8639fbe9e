#include "core/schema_check.hpp"

#include <doctest/doctest.h>

#include <tuple>

namespace slipway::json {

namespace {

Value value_of(std::string_view text) {
  const auto value = parse(text);
  REQUIRE(value);
  return *value;
}

/// As datasets use it.
Result<std::shared_ptr<const SchemaCheck>> lenient(std::string_view text) {
  return SchemaCheck::make(value_of(text), UnknownKeyword::ignored);
}

}  // namespace

TEST_CASE("values are held to what their schema says") {
  // Schema, what satisfies it, what does not.
  constexpr std::tuple<const char*, const char*, const char*> cases[] = {
      {R"({"type":"string"})", R"("x")", "1"},
      {R"({"type":["string","null"]})", "null", "1"},
      {R"({"type":"integer"})", "1.0", "1.5"},
      {R"({"enum":[1,"a"]})", R"("a")", "2"},
      {R"({"const":{"a":1}})", R"({"a":1})", "{}"},
      {R"({"minimum":1,"exclusiveMaximum":3})", "2", "3"},
      {R"({"multipleOf":5})", "10", "7"},
      {R"({"minLength":2,"maxLength":3})", R"("äöü")", R"("ä")"},
      {R"({"pattern":"^a+$"})", R"("aa")", R"("b")"},
      {R"({"items":{"type":"number"},"minItems":1})", "[1]", R"(["x"])"},
      {R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["x"])", R"(["x",1])"},
      {R"({"required":["a"]})", R"({"a":null})", "{}"},
      {R"({"properties":{"a":{"type":"string"}},"additionalProperties":false})", R"({"a":"x"})",
       R"({"b":1})"},
      {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "null", "1"},
      {R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "0", "3"},
      {R"({"uniqueItems":true,"contains":{"type":"number"}})", "[1,2]", "[1,1]"},
      {R"({"patternProperties":{"^x":{"type":"string"}},"propertyNames":{"maxLength":2}})",
       R"({"xy":"a"})", R"({"x":1})"},
      {R"({"allOf":[{"minimum":1},{"maximum":5}]})", "3", "6"},
      {R"({"not":{"type":"string"}})", "1", R"("x")"},
      {R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"string"}}})", R"("x")", "1"},
      {R"({"title":"unknown words ask for nothing","format":"date"})", "1", ""},
  };
  for (const auto& [schema, good, bad] : cases) {
    CAPTURE(schema);
    const auto check = lenient(schema);
    REQUIRE(check);
    CHECK((*check)->check(value_of(good)));
    if (*bad != '\0') CHECK_FALSE((*check)->check(value_of(bad)));
  }
}

TEST_CASE("a fault is told with its place") {
  const auto check = lenient(R"({"properties":{"a":{"items":{"type":"string"}}}})");
  REQUIRE(check);
  const auto result = (*check)->check(value_of(R"({"a":["x",5]})"));
  REQUIRE_FALSE(result);
  CHECK(result.error().message() == R"($.a[1]: expected "string", got a number)");
}

TEST_CASE("a schema that cannot be used is refused when it is given") {
  for (const char* wrong :
       {R"({"type":"text"})", R"({"type":5})", R"({"properties":[]})", R"({"items":5})",
        R"({"required":[1]})", R"({"enum":1})", R"({"minimum":"1"})", R"({"anyOf":{}})",
        R"({"pattern":"("})", R"({"pattern":1})", R"({"$ref":"#/$defs/none"})",
        R"({"$ref":"http://example.test/schema"})", R"({"$ref":1})",
        R"({"properties":{"a":{"not":{"type":"text"}}}})"}) {
    CAPTURE(wrong);
    const auto result = lenient(wrong);
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == Code::invalid_argument);
  }
}

TEST_CASE("schemas that lead to themselves or multiply come to an end") {
  const auto circle = lenient(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})");
  REQUIRE(circle);
  CHECK_FALSE((*circle)->check(Value(1)));
  std::string text = R"({"$defs":{"a0":{"type":"string"})";
  for (int i = 1; i < 40; ++i) {
    const std::string one = fmt::format(R"({{"$ref":"#/$defs/a{}"}})", i - 1);
    text += fmt::format(R"(,"a{}":{{"anyOf":[{},{}]}})", i, one, one);
  }
  const auto bomb = lenient(text + R"(},"$ref":"#/$defs/a25"})");
  REQUIRE(bomb);
  CHECK_FALSE((*bomb)->check(Value(1)));
}

TEST_CASE("a schema checks what it says and refuses what it does not know") {
  const auto make = [](const char* text) { return SchemaCheck::make(value_of(text)); };
  const auto schema = make(R"({"type": "object", "required": ["id", "tags"],
    "properties": {"id": {"type": "integer", "minimum": 1}, "name": {"type": "string",
      "minLength": 2, "pattern": "^[a-z]+$"}, "tags": {"type": "array", "maxItems": 2,
      "items": {"$ref": "#/$defs/tag"}, "uniqueItems": true}},
    "additionalProperties": false, "$defs": {"tag": {"enum": ["a", "b", 1]}}})");
  REQUIRE(schema);
  const auto check = [&](const char* text) -> std::string {
    const auto result = (*schema)->check(value_of(text));
    return result ? "good" : result.error().message();
  };
  CHECK(check(R"({"id": 1, "tags": ["a", 1.0]})") == "good");
  CHECK(check(R"({"id": 0, "tags": []})").starts_with("$.id"));
  CHECK(check(R"({"id": 1.5, "tags": []})").starts_with("$.id"));
  CHECK(check(R"({"id": 1})") == "$.tags: is missing");
  CHECK(check(R"({"id": 1, "tags": ["c"]})").starts_with("$.tags[0]"));
  CHECK(check(R"({"id": 1, "tags": ["a", "a"]})") == "$.tags[1]: is there twice");
  CHECK(check(R"({"id": 1, "tags": [], "name": "A"})").starts_with("$.name"));
  CHECK(check(R"({"id": 1, "tags": [], "x": 1})") == "$.x: nothing may stand here");
  CHECK(check("[]").starts_with("$: expected"));
  for (const char* bad :
       {R"({"unevaluatedProperties": false})", R"({"type": "text"})", R"({"$ref": "other.json"})",
        R"({"$ref": "#/examples/0", "examples": [{"type": 5}]})", R"({"pattern": "("})", "[]",
        R"({"anyOf": {}})", R"({"minimum": "1"})", R"({"$ref": "#/$defs/none"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(make(bad).ok());
  }
  const auto loop = make(R"({"$ref": "#"})");
  REQUIRE(loop);
  CHECK_FALSE((*loop)->check(Value(1)).ok());
  const auto choices = make(R"({"oneOf": [{"type": "integer"}, {"multipleOf": 2}],
                                "not": {"const": 7}})");
  REQUIRE(choices);
  CHECK((*choices)->check(Value(3)).ok());
  CHECK_FALSE((*choices)->check(Value(4)).ok());
  CHECK_FALSE((*choices)->check(Value(7)).ok());
}

}  // namespace slipway::json
