#include "datasets/detail/json_check.hpp"

#include <doctest/doctest.h>

#include <tuple>

namespace slipway::datasets::detail {

namespace {

json::Object object(std::string_view text) {
  const auto value = json::parse(text);
  REQUIRE(value);
  return value->as_object();
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
      {R"({"allOf":[{"minimum":1},{"maximum":5}]})", "3", "6"},
      {R"({"not":{"type":"string"}})", "1", R"("x")"},
      {R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"string"}}})", R"("x")", "1"},
      {R"({"title":"unknown words ask for nothing","format":"date"})", "1", ""},
  };
  for (const auto& [schema, good, bad] : cases) {
    CAPTURE(schema);
    CHECK(check_schema(object(schema)));
    CHECK(check_value(*json::parse(good), object(schema)));
    if (*bad != '\0') CHECK_FALSE(check_value(*json::parse(bad), object(schema)));
  }
}

TEST_CASE("a fault is told with its place") {
  const auto schema = object(R"({"properties":{"a":{"items":{"type":"string"}}}})");
  const auto result = check_value(*json::parse(R"({"a":["x",5]})"), schema);
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
    const auto result = check_schema(object(wrong));
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == Code::invalid_argument);
  }
}

TEST_CASE("schemas that lead to themselves or multiply come to an end") {
  const auto circle = object(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})");
  REQUIRE(check_schema(circle));
  CHECK_FALSE(check_value(json::Value(1), circle));
  std::string text = R"({"$defs":{"a0":{"type":"string"})";
  for (int i = 1; i < 40; ++i) {
    const std::string one = fmt::format(R"({{"$ref":"#/$defs/a{}"}})", i - 1);
    text += fmt::format(R"(,"a{}":{{"anyOf":[{},{}]}})", i, one, one);
  }
  const auto bomb = object(text + R"(},"$ref":"#/$defs/a25"})");
  REQUIRE(check_schema(bomb));
  CHECK_FALSE(check_value(json::Value(1), bomb));
}

}  // namespace slipway::datasets::detail
