#include "core/json_members.hpp"

#include <doctest/doctest.h>

#include "core/json.hpp"
#include "core/json_plain.hpp"

namespace slipway::json {

TEST_CASE("members of an object are found without making values, and broken text ends") {
  const std::string_view text =
      R"( {"a": "x\"y}", "b":{"a":1,"c":[1,{"d":"]"}]}, "n":null,"e":-1.5e3 , "s":""} )";
  CHECK(member(text, "a") == R"("x\"y}")");
  CHECK(unquoted(member(text, "a")) == "x\"y}");
  CHECK(member(text, "b") == R"({"a":1,"c":[1,{"d":"]"}]})");
  CHECK(member(member(text, "b"), "c") == R"([1,{"d":"]"}])");
  CHECK(member(text, "n") == "null");
  CHECK(member(text, "e") == "-1.5e3");
  CHECK(member(text, "c").empty());
  for (const char* broken : {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":[",
                             "[1]", "{\"a\\", "{\"a\":1,,", "\"x\"", "{\"a\":\"\\"}) {
    CAPTURE(broken);
    member(broken, "a");
    member(broken, "zz");
  }
}

TEST_CASE("plain text ends at the first character that is not, wherever it stands") {
  for (const char c : {'"', '\\', '\n', '\x1f', '\x80', '\xff'})
    for (std::size_t size = 1; size < 40; ++size)
      for (std::size_t place = 0; place <= size; ++place) {
        std::string text(size, 'a');
        if (place < size) text[place] = c;
        REQUIRE(plain_end(text, 0) == place);
        if (place > 0) REQUIRE(plain_end(text, place - 1) == place);
      }
  CHECK(plain_end("", 0) == 0);
  CHECK(plain_end(" !#[]~\x7f", 0) == 7);
}

TEST_CASE("text is quoted so that it comes back") {
  for (const std::string_view text :
       {"", "plain", "a\"b", "a\\b", "a\nb\x01", "\x7f", "\xC3\xA9"}) {
    CAPTURE(text);
    CHECK(unquoted(quoted(text)) == text);
    std::string line = "x";
    append_quoted(line, text);
    CHECK(line == "x" + quoted(text));
  }
  CHECK(quoted("a\nb") == R"("a\nb")");
}

TEST_CASE("elements of an array are found without making values, and broken text ends") {
  Items items(R"( [1 , "a,]", {"b":[2]},[],null] )");
  std::vector<std::string> found;
  for (std::string_view one; items.next(one);) found.emplace_back(one);
  CHECK(found == std::vector<std::string>{"1", "\"a,]\"", "{\"b\":[2]}", "[]", "null"});
  for (const char* broken : {"", "[", "[,", "{}", "[1,,", "[\"a", "[{", "]"}) {
    Items none(broken);
    int count = 0;
    for (std::string_view one; none.next(one);) REQUIRE(++count < 10);
  }
}

TEST_CASE("text is valid JSON or not, whatever it is made of") {
  for (const char* good : {"1", "-1.5e3", "null", " [1, {\"a\": \"\\u00e4\"}] ", "\"\"", "{}",
                           "123456789012345678901234567890", "1.0"})
    CHECK_MESSAGE(is_valid(good), good);
  for (const char* bad : {"", " ", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\x01\"", "\"\xff\"",
                          "01", "{\"a\":1,}", "'a'", "NaN"})
    CHECK_FALSE_MESSAGE(is_valid(bad), bad);
  CHECK(is_valid(std::string(60, '[') + std::string(60, ']')));
  CHECK_FALSE(is_valid(std::string(100'000, '[')));
}

}  // namespace slipway::json
