#include "dialects/splice.hpp"

#include <doctest/doctest.h>

#include "core/json.hpp"

using namespace slipway;
using namespace slipway::dialects;

TEST_CASE("the model's name is exchanged and every other byte stays") {
  const std::string body =
      "{ \"a\" : [1, {\"model\":\"inner\"}] ,\n\"model\"\t: \"fa\\u0073t\", "
      "\"stream\":true,\"x\":\"\\\"model\\\":\\\"no\\\"\"}";
  const auto seen = glance(body);
  REQUIRE(seen.ok());
  CHECK(seen->model == "fast");
  CHECK(seen->stream);
  const std::string spliced = with_model(body, *seen, "gpt \"4\"");
  std::string expected = body;
  expected.replace(expected.find("\"fa\\u0073t\""), 11, "\"gpt \\\"4\\\"\"");
  CHECK(spliced == expected);
  CHECK(json::parse(spliced).ok());
}

TEST_CASE("a key counts however it is escaped, and twice is once too often") {
  CHECK(glance(R"({"mod\u0065l":"x"})")->model == "x");
  for (const char* body : {R"({"model":"x","model":"x"})", R"({"model":"x","mod\u0065l":"y"})",
                           R"({"stream":true,"stream":false})", R"({"model":null,"model":"x"})"}) {
    const auto seen = glance(body);
    REQUIRE_FALSE(seen.ok());
    CHECK(seen.error().message().find("stands twice") != std::string::npos);
  }
  CHECK(glance(R"({"messages":[{"model":"a"},{"model":"b"}],"model":"x"})")->model == "x");
}

TEST_CASE("a body without a model or with null for it has none") {
  CHECK(glance("{}")->model.empty());
  CHECK(glance(R"({"model":null,"stream":null})")->model.empty());
  CHECK_FALSE(glance(R"({"model":null,"stream":null})")->stream);
}

TEST_CASE("what is not JSON is refused, and all that is JSON is taken, as the parser does") {
  for (const char* text : {"",
                           " ",
                           "[]",
                           "5",
                           "null",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":-}",
                           "{\"a\":1e}",
                           "{\"a\":+1}",
                           "{\"a\":tru}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"x}",
                           "{\"a\":[1 2]}",
                           "{} x",
                           "{}{}",
                           "{\"a\":\"\xFF\"}",
                           "{\"a\":\"\xC3\"}",
                           "{'a':1}",
                           "{\"a\":\"\\",
                           "{\"a\":1",
                           "{\"a\":nan}",
                           "\xEF\xBB\xBF{}",
                           "{\"model\":5}",
                           "{\"stream\":1}"}) {
    CAPTURE(text);
    CHECK_FALSE(glance(text).ok());
  }
  for (const char* text : {"{}", " {} ", "{\"a\":1}", "{\"a\":-0.5e+10}", "{\"a\":[]}",
                           "{\"a\":[[],{}]}", "{\"a\":\"\\u00e9\\n\\/\"}", "{\"a\":\"\xC3\xA9\"}",
                           "{\"a\":true,\"b\":false,\"c\":null}", "{\"\":0}"}) {
    CAPTURE(text);
    CHECK(glance(text).ok());
    CHECK(json::parse(text).ok());
  }
}

TEST_CASE("depth has the parser's limit") {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  for (int depth = 55; depth < 75; ++depth) {
    CAPTURE(depth);
    CHECK(glance(nested(depth)).ok() == json::parse(nested(depth)).ok());
  }
  CHECK_FALSE(glance(nested(1'000'000)).ok());
}
