#include "eval/detail/python_literal.hpp"

#include <doctest/doctest.h>

namespace slipway::eval::detail {

TEST_CASE("lists and dictionaries are read as Python prints them") {
  const auto dump = [](std::string_view text) {
    const auto value = parse_python_literal(text);
    return value ? json::dump(*value) : value.error().message();
  };
  CHECK(dump(R"(['a', "it's", 'say \'x\''])") == R"(["a","it's","say 'x'"])");
  CHECK(dump("{'k': None, 'n': [1, 2.5, -3], 't': (True, False)}") ==
        R"({"k":null,"n":[1,2.5E0,-3],"t":[true,false]})");
  CHECK(dump(R"(["A\u00e4\ud83d\ude00"])") == "[\"A\xC3\xA4\xF0\x9F\x98\x80\"]");
  CHECK(dump("[ 'a' , ]") == R"(["a"])");
  CHECK(dump("[]") == "[]");
  CHECK(dump("()") == "[]");
}

TEST_CASE("what is no Python value is told with its place, however it is broken") {
  for (const std::string_view text :
       {"", "[", "['a'", "['a' 'b']", "{'a'}", "{1: 2}", "['a'] x", "nan", "'\\x", "'\\u12", "'"}) {
    const auto value = parse_python_literal(text);
    REQUIRE_FALSE(value);
    CHECK(value.error().message().find("at byte") != std::string::npos);
  }
  CHECK_FALSE(parse_python_literal(std::string(1000, '[')));
}

}  // namespace slipway::eval::detail
