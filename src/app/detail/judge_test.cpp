#include "app/detail/judge.hpp"

#include <doctest/doctest.h>

namespace slipway::app::detail {

TEST_CASE("a judge's score is read from an object, else a number, else yes and no") {
  const auto score = [](std::string_view reply) {
    const auto read = read_judgement(reply);
    return read ? read->score.value_or(-1) : -2;
  };
  CHECK(score(R"({"score": 0.5, "comment": "fair"})") == 0.5);
  CHECK(score("Well: ```json\n{\"score\": true}\n``` so {it} is.") == 1);
  CHECK(score(R"({"a": {"score": 0}})") == 0);
  CHECK(score("I give 7.5 of ten") == 7.5);
  CHECK(score("-1") == -1);
  CHECK(score("**Yes**, it is") == 1);
  CHECK(score("no") == 0);
  CHECK(score("hard to say") == -2);
  CHECK(score("") == -2);
  CHECK(read_judgement(R"({"score": 1, "reason": "clear"})")->comment == "clear");
}

}  // namespace slipway::app::detail
