#include "langgraph/detail/schedule.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;

namespace {

std::int64_t seconds_of(std::string_view text) {
  const auto time = parse_time(text);
  REQUIRE(time.ok());
  return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

/// The next `count` times after a moment, told in UTC.
std::vector<std::string> times(const char* schedule, const char* after, int count = 1,
                               const TimeZone& zone = {}) {
  const auto parsed = Schedule::parse(schedule);
  const std::string why = parsed.ok() ? "" : parsed.error().message();
  REQUIRE_MESSAGE(parsed.ok(), why);
  std::vector<std::string> found;
  std::int64_t time = seconds_of(after);
  for (int i = 0; i < count; ++i) {
    const auto next = parsed->next(time, zone);
    found.push_back(next ? format_time(Clock::Time(std::chrono::seconds(*next))) : "never");
    if (!next) break;
    time = *next;
  }
  return found;
}

using Times = std::vector<std::string>;

/// Of this machine, if it has one; the rules themselves are tested in core.
std::optional<TimeZone> berlin() {
  auto zone = TimeZone::find("Europe/Berlin");
  return zone ? std::optional(*std::move(zone)) : std::nullopt;
}

}  // namespace

TEST_CASE("a schedule comes when its five fields fit") {
  CHECK(times("30 8 * * *", "2026-01-01T08:29:59Z", 2) ==
        Times{"2026-01-01T08:30:00Z", "2026-01-02T08:30:00Z"});
  CHECK(times("30 8 * * *", "2026-01-01T08:30:00Z") == Times{"2026-01-02T08:30:00Z"});
  CHECK(times("*/20 9-10 * * *", "2026-01-01T09:15:00Z", 5) ==
        Times{"2026-01-01T09:20:00Z", "2026-01-01T09:40:00Z", "2026-01-01T10:00:00Z",
              "2026-01-01T10:20:00Z", "2026-01-01T10:40:00Z"});
  CHECK(times("0 0 * FEB mon,Thu", "2026-01-01T00:00:00Z", 3) ==
        Times{"2026-02-02T00:00:00Z", "2026-02-05T00:00:00Z", "2026-02-09T00:00:00Z"});
  CHECK(times("5/25 0 1 1 *", "2026-01-01T00:00:00Z", 3) ==
        Times{"2026-01-01T00:05:00Z", "2026-01-01T00:30:00Z", "2026-01-01T00:55:00Z"});
  CHECK(times("@weekly", "2026-01-01T00:00:00Z") == Times{"2026-01-04T00:00:00Z"});
  CHECK(times("0 0 * * 7", "2026-01-01T00:00:00Z") == Times{"2026-01-04T00:00:00Z"});
  CHECK(times("0 0 29 2 *", "2026-01-01T00:00:00Z", 2) ==
        Times{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"});
  CHECK(times("0 0 30 2 *", "2026-01-01T00:00:00Z") == Times{"never"});
}

TEST_CASE("day and weekday are alternatives where both are given") {
  CHECK(times("0 0 13 * fri", "2026-02-01T00:00:00Z", 4) ==
        Times{"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z",
              "2026-02-27T00:00:00Z"});
  CHECK(times("0 0 10 * fri", "2026-02-06T00:00:00Z", 2) ==
        Times{"2026-02-10T00:00:00Z", "2026-02-13T00:00:00Z"});
}

TEST_CASE("a schedule goes by the clocks of its zone, when they are changed too") {
  const auto zone = berlin();
  if (!zone) return;
  CHECK(times("0 8 * * *", "2026-03-28T00:00:00Z", 2, *zone) ==
        Times{"2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"});
  // 02:30 is skipped on the 29th of March, and is there twice on the 25th of October.
  CHECK(times("30 2 * * *", "2026-03-28T12:00:00Z", 2, *zone) ==
        Times{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  CHECK(times("30 2 * * *", "2026-10-24T12:00:00Z", 2, *zone) ==
        Times{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  CHECK(times("0 3 * * *", "2026-10-24T12:00:00Z", 1, *zone) == Times{"2026-10-25T02:00:00Z"});
  // Every half hour is every half hour.
  CHECK(times("*/30 * * * *", "2026-10-25T00:00:00Z", 4, *zone) ==
        Times{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
              "2026-10-25T02:00:00Z"});
}

TEST_CASE("what is no schedule is told with its field") {
  for (const auto& [text, field] : std::vector<std::pair<const char*, const char*>>{
           {"", "0 fields"},
           {"0 0 * *", "4 fields"},
           {"0 0 0 * * *", "6 fields"},
           {"60 * * * *", "minute '60'"},
           {"* 24 * * *", "hour '24'"},
           {"* * 0 * *", "day of the month '0'"},
           {"* * * 13 *", "month '13'"},
           {"* * * * 8", "day of the week '8'"},
           {"* * * * mun", "day of the week 'mun'"},
           {"5-1 * * * *", "minute '5-1'"},
           {"*/0 * * * *", "minute '*/0'"},
           {"1, * * * *", "minute ''"},
           {"1,,2 * * * *", "minute ''"},
           {"-1 * * * *", "minute '-1'"},
           {"L * * * *", "minute 'L'"},
           {"99999999999 * * * *", "minute '99999999999'"}}) {
    const auto parsed = Schedule::parse(text);
    REQUIRE_MESSAGE(!parsed.ok(), text);
    CHECK_MESSAGE(parsed.error().message().find(field) != std::string::npos,
                  parsed.error().message());
  }
}
