#include "eval/detail/replies.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

TEST_CASE("a reply is the object between the first and the last brace") {
  for (const std::string_view text :
       {R"({"a":[1]})", "```json\n{\"a\":[1]}\n```", "Here is it:\n{\"a\": [1]}\nDone.",
        "{\"a\":[1,],}", "{\"a\":[1\n,\n ]\t,\n}"}) {
    CAPTURE(text);
    const auto reply = parse_reply(text);
    REQUIRE(reply.ok());
    CHECK(json::dump(*reply) == R"({"a":[1]})");
  }
}

TEST_CASE("a comma before a bracket within a text stays where the reply parses as it is") {
  CHECK(reply_text(*parse_reply(R"({"a":"x, ]"})"), "a") == "x, ]");
  CHECK(reply_text(*parse_reply(R"({"a":"x,]",})"), "a") == "x]");
}

TEST_CASE("a reply without an object says so and quotes its beginning") {
  CHECK(parse_reply("I cannot tell.").error().message() ==
        "the reply holds no JSON object: 'I cannot tell.'");
  CHECK(!parse_reply("").ok());
  CHECK(!parse_reply("} {").ok());
  CHECK(parse_reply("{a}").error().message().starts_with("the reply is not JSON ("));
  CHECK(parse_reply(std::string(200'000, '{') + "}").error().message().size() < 400);
  CHECK(!parse_reply("{\"a\":\"\xFF\"}").ok());
}

TEST_CASE("verdicts are read by their first word") {
  CHECK(verdict_word("Yes.") == "yes");
  CHECK(verdict_word("  NO, it is off topic") == "no");
  CHECK(verdict_word("idk") == "borderline");
  CHECK(verdict_word("42") == "");
  CHECK(verdict_word(nullptr) == "");
  CHECK(verdict_word(true) == "true");
  CHECK(verdict_flag(1) == true);
  CHECK(verdict_flag("0") == false);
  CHECK(verdict_flag("Supported") == true);
  CHECK(verdict_flag("unsure") == std::nullopt);
}

TEST_CASE("numbers are read from numbers and texts") {
  CHECK(reply_number(7) == 7.0);
  CHECK(reply_number(" 7.5 ") == 7.5);
  CHECK(reply_number("7 of 10") == std::nullopt);
  CHECK(reply_number("nan") == std::nullopt);
  CHECK(reply_number(nullptr) == std::nullopt);
}

TEST_CASE("lists of verdicts may hold objects and bare words") {
  const auto verdicts = *reply_verdicts(
      *parse_reply(R"({"verdicts":[{"claim":1,"verdict":"Supported","reason":"r"},"no",7]})"),
      "verdicts");
  REQUIRE(verdicts.size() == 3);
  CHECK(verdicts[0].place == 1);
  CHECK(verdicts[0].word == "supported");
  CHECK(verdicts[0].reason == "r");
  CHECK(verdicts[1].flag == false);
  CHECK(!reply_verdicts(json::Object{{"verdicts", 5}}, "verdicts").ok());
  CHECK(reply_texts(*parse_reply(R"({"claims":["a",{"claim":"b"},3]})"), "claims")->at(1) == "b");
}

}  // namespace slipway::eval
