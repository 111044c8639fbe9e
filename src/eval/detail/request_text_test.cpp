#include "eval/detail/request_text.hpp"

#include <doctest/doctest.h>

#include <random>

#include "eval/detail/score_text.hpp"

namespace slipway::eval {

namespace {

/// What a parser makes of the line as a whole and what is made of its parts must be one.
void check_parts(RequestText& text, const std::string& line, std::string_view known) {
  CAPTURE(line);
  text.take(line, known);
  const auto whole = json::parse(line);
  auto parts = json::parse(text.rest());
  const auto metric = json::parse(text.metric_text().empty() ? "null" : text.metric_text());
  REQUIRE(whole.ok() == (parts.ok() && metric.ok()));
  if (!whole || !whole->is_object()) return;
  json::Object& object = parts->as_object();
  if (text.is_known_case()) object["case"] = *json::parse(known);
  if (!text.metric_text().empty()) object["metric"] = *metric;
  if (text.replies()) object["replies"] = json::Value(*text.replies(), {});
  CHECK(*parts == *whole);
  if (!text.case_text().empty()) CHECK(*json::parse(text.case_text()) == whole->at("case"));
}

const std::string golden = R"({"input":"q \" {","metadata":{"a":[1,{"b":"}"}]}})";
const std::string replies =
    R"({"claims" : ["{\"claims\": [\"a\\nb\", \"c\/d\\\\\"]}", "ü\t\b\f\r"], "verdicts":[ ]})";
const std::string line = R"({"id":"1", "metric":{"name":"faithfulness"},"case": )" + golden +
                         R"(,"replies":)" + replies + "}";

}  // namespace

TEST_CASE("a request is taken apart without its golden, its metric and its replies") {
  RequestText text;
  text.take(line, "");
  CHECK_FALSE(text.is_known_case());
  CHECK(text.case_text() == golden);
  CHECK(text.metric_text() == R"({"name":"faithfulness"})");
  REQUIRE(text.replies() != nullptr);
  CHECK(text.replies()->at("claims").as_array()[0] == R"({"claims": ["a\nb", "c/d\\"]})");
  CHECK(text.replies()->at("verdicts").as_array().empty());
  text.take(line, golden);
  CHECK(text.is_known_case());
  CHECK(text.rest() == R"({"id":"1", "metric":null,"case": null,"replies":{}})");
}

TEST_CASE("what is there twice, or cannot be taken apart, is left to the parser") {
  RequestText text;
  for (const std::string& other : std::vector<std::string>{
           R"({"case":{},"case":)" + golden + "}", R"({"metric":1,"metric":2})",
           R"({"replies":{},"replies":{"a":["b"]}})", R"({"c\u0061se":{}})", std::string("[1]"),
           line + "x", std::string("{\"case\""), std::string()}) {
    check_parts(text, other, golden);
    if (other != line + "x") CHECK(text.rest() == other);
  }
  for (const char* other :
       {R"({"a":[1]})", R"({"a":"b"})", R"({"a":["\u00fc"]})", R"(null)", R"({"a":["b",]})",
        "{\"a\":[\"\x01\"]}", "{\"a\":[\"\xff\"]}", R"({"a":["b"]],)", R"({"a":["\x"]})"}) {
    check_parts(text, fmt::format(R"({{"id":"1","replies":{}}})", other), "");
    CHECK(text.replies() == nullptr);
  }
  for (const char* other : {R"({"a":["b"],"a":["c"]})", R"({})", R"({ "a" : [ "b" , "c" ] })"})
    check_parts(text, fmt::format(R"({{"id":"1","replies":{}}})", other), "");
}

TEST_CASE("of broken requests the parts are broken exactly if the whole is") {
  constexpr std::string_view bytes = "{}[]\",:\\ \n\t01aun\x01\x7f\xc3\xbc\xff";
  std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed): the same every time.
  RequestText text;
  for (int i = 0; i < 20'000; ++i) {
    std::string broken = line;
    for (unsigned changes = random() % 3 + 1; changes > 0; --changes) {
      const std::size_t at = random() % broken.size();
      const char byte = bytes[random() % bytes.size()];
      if (const unsigned kind = random() % 3; kind == 0)
        broken[at] = byte;
      else if (kind == 1)
        broken.insert(at, 1, byte);
      else
        broken.erase(at, random() % 4);
    }
    check_parts(text, broken, i % 2 == 0 ? golden : "");
  }
}

TEST_CASE("texts of any length are written as a JSON library writes them") {
  for (std::size_t length = 0; length < 100; ++length)
    for (const char odd : {'a', '"', '\\', '\n', '\x01', '\x1f', '\x7f'}) {
      std::string text(length, 'x');
      if (length > 0) text[length * 7 % length] = odd, text[length - 1] = odd;
      std::string out;
      append_quoted(out, text);
      CHECK(out == json::dump(json::Value(boost::json::string(text))));
    }
}

}  // namespace slipway::eval
