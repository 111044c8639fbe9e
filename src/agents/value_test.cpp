#include "agents/value.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using agents::Value;

TEST_CASE("JSON comes back as it was, with whole numbers, doubles and lone surrogates apart") {
  for (const std::string text :
       {R"({"a":[1,2.5,-0.0,8.0,1e+100,true,null,"x\ny"],"b":{"c":{}},"d":[]})",
        R"("\ud800 and \udfff")", R"("€😀é\u0001")", "9223372036854775807",
        "-9223372036854775808"}) {
    const auto value = agents::parse_json(text);
    REQUIRE_MESSAGE(value.ok(), text);
    CHECK(agents::dump(*value) == text);
    CHECK(*agents::parse_json(agents::dump(*value)) == *value);
  }
  CHECK(agents::parse_json("9223372036854775808")->is_real());
  CHECK(agents::dump(*agents::parse_json(R"("\ud83d\ude00")")) == "\"😀\"");
}

TEST_CASE("what is no JSON is refused with its place") {
  for (const char* text :
       {"",         "{",        "[1,]",    "{\"a\":}",  "{a:1}", "01",    "1.", "1e", "+1", "nul",
        "\"\x01\"", "\"\xff\"", "\"\\x\"", "\"\\u12\"", "1 2",   "1e400", "[",  "\"", "-",  "tru"})
    CHECK_MESSAGE(!agents::parse_json(text).ok(), text);
  CHECK(agents::parse_json("{\n  \"a\": x}").error().message().find("line 2, column 8") !=
        std::string::npos);
  CHECK(!agents::parse_json(std::string(65, '[') + std::string(65, ']')).ok());
  CHECK(agents::parse_json(std::string(64, '[') + std::string(64, ']')).ok());
}

TEST_CASE("a list that is shared is copied before it grows, one that is not grows in place") {
  Value list = Value::list({1});
  const Value* before = list.items().data();
  const Value kept = list;
  list.push(2);
  CHECK(kept.items().size() == 1);
  CHECK(list.items().data() != before);
  CHECK(list == *agents::parse_json("[1,2]"));
}

TEST_CASE("large maps find their keys") {
  Value map = Value::map();
  for (int i = 0; i < 200; ++i) map.put(std::to_string(i), i);
  map.put("7", "seven");
  CHECK(map.entries().items.size() == 200);
  CHECK(map.at("199") == Value(199));
  CHECK(map.at("7") == Value("seven"));
  CHECK(map.at("x").is_null());
  CHECK(map == map);
}

TEST_CASE("equal values are equal whatever the order of keys and the kind of number") {
  CHECK(*agents::parse_json(R"({"a":1,"b":[2.0]})") == *agents::parse_json(R"({"b":[2],"a":1.0})"));
  CHECK(agents::dump_canonical(*agents::parse_json(R"({"b":[2.0],"a":1})")) ==
        R"({"a":1,"b":[2]})");
  CHECK(!(Value(1) == Value(true)));
  CHECK(!(Value("1") == Value(1)));
}
