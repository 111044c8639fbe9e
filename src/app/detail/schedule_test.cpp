#include "app/detail/schedule.hpp"

#include <doctest/doctest.h>

namespace slipway::app::detail {

TEST_CASE("times between runs are a number and a unit") {
  CHECK(*parse_interval("90s") == std::chrono::seconds(90));
  CHECK(*parse_interval("30m") == std::chrono::minutes(30));
  CHECK(*parse_interval("6h") == std::chrono::hours(6));
  CHECK(*parse_interval("2d") == std::chrono::hours(48));
  CHECK(*parse_interval("1w") == std::chrono::hours(168));
  for (const char* bad :
       {"", "6", "h", "0h", "-1h", "1.5h", "6 h", "6hours", "400d", "99999999999999999999s"})
    CHECK(parse_interval(bad).error().code() == Code::invalid_argument);
}

TEST_CASE("a source is due after its time, at once when it never ran, and never without one") {
  const Clock::Time now = *parse_time("2026-05-01T12:00:00Z");
  CHECK(due_at("6h", std::nullopt, now) == now);
  CHECK(due_at("6h", "2026-05-01T10:00:00Z", now) == *parse_time("2026-05-01T16:00:00Z"));
  CHECK_FALSE(due_at("", "2026-05-01T10:00:00Z", now));
}

}  // namespace slipway::app::detail
