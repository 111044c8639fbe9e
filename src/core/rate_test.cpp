#include "core/rate.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace std::chrono_literals;

TEST_CASE("a rate is a number in a time") {
  const auto is = [](std::string_view text, double count, std::chrono::milliseconds per) {
    const auto rate = parse_rate(text);
    return rate && rate->count == count && rate->per == per;
  };
  CHECK(is("100/min", 100, 1min));
  CHECK(is("0.5/s", 0.5, 1s));
  CHECK(is("2e6/h", 2e6, 1h));
  CHECK(is("7/d", 7, 24h));
}

TEST_CASE("what is no rate is refused with an example") {
  for (const char* text : {"", "100", "100/", "/min", "-1/min", "0/min", "nan/min", "inf/s",
                           "1e13/s", "100/minute", "100 / min", "x/min", "1/s/s"}) {
    CAPTURE(text);
    const auto rate = parse_rate(text);
    REQUIRE_FALSE(rate);
    CHECK(rate.error().code() == Code::invalid_argument);
    CHECK(rate.error().message().find("100/min") != std::string::npos);
  }
}
