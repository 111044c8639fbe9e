#include "core/json_exact.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "core/clock.hpp"

namespace slipway::json {

TEST_CASE("every double that was written is read back, wherever it stands") {
  SeededRandom random(11);
  for (int i = 0; i < 2000; ++i) {
    const double number = std::ldexp(static_cast<double>(random.next() >> 11),
                                     static_cast<int>(random.next() % 200) - 150);
    const Value value = Object{{"a \"b\" \n", Array{Value(number), Value("x"), Value(-number)}},
                               {"n", Object{{"m", number}}}};
    const auto back = parse_exact(dump(value));
    REQUIRE(back);
    REQUIRE(dump(*back) == dump(value));
  }
}

TEST_CASE("of two members with one name the later counts") {
  CHECK(parse_exact(R"({"a":[0.1],"a":107.71428571428571})")->at("a") == Value(107.71428571428571));
  CHECK(parse_exact(R"({"a":0.25,"a":"x"})")->at("a") == Value("x"));
}

TEST_CASE("what is no JSON is refused as always") {
  CHECK_FALSE(parse_exact("{\"a\":0.5"));
  CHECK(parse_exact("7")->as_int64() == 7);
}

}  // namespace slipway::json
