#include "core/clock.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace slipway;
using namespace std::chrono_literals;

TEST_CASE("times are written as RFC 3339 in UTC") {
  using Time = Clock::Time;
  CHECK(format_time(Time(0s)) == "1970-01-01T00:00:00Z");
  CHECK(format_time(Time(1'700'000'000s)) == "2023-11-14T22:13:20Z");
  CHECK(format_time(Time(1'700'000'000s + 1us)) == "2023-11-14T22:13:20.000001Z");
  CHECK(format_time(Time(-1us)) == "1969-12-31T23:59:59.999999Z");
  CHECK(format_time(Time(951'782'400s)) == "2000-02-29T00:00:00Z");
  CHECK(format_time(Time(253'402'300'800s)) == "10000-01-01T00:00:00Z");
  CHECK(format_time(Time(-62'167'219'201s)) == "-001-12-31T23:59:59Z");
}

TEST_CASE("times are read with offsets and fractions, and a date is its midnight") {
  struct Row {
    std::string_view text;
    std::string_view utc;
  };
  const Row rows[] = {
      {"2026-11-24T16:09:19Z", "2026-11-24T16:09:19Z"},
      {"2026-11-24t16:09:19z", "2026-11-24T16:09:19Z"},
      {"2026-11-24 16:09:19+02:00", "2026-11-24T14:09:19Z"},
      {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
      {"2026-11-24T16:09:19-05:30", "2026-11-24T21:39:19Z"},
      {"2026-11-24T16:09:19.5Z", "2026-11-24T16:09:19.500000Z"},
      {"2026-11-24T16:09:19.123456789Z", "2026-11-24T16:09:19.123456Z"},
      {"2024-02-29", "2024-02-29T00:00:00Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto time = parse_time(row.text);
    REQUIRE(time.ok());
    CHECK(format_time(*time) == row.utc);
  }
}

TEST_CASE("what is no time is refused with the text and an example") {
  for (const std::string_view text : {"",
                                      "yesterday",
                                      "2026",
                                      "2026-13-01",
                                      "2026-02-30",
                                      "2025-02-29",
                                      "2026-11-24T",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T10:60:00Z",
                                      "2026-11-24T10:00:61Z",
                                      "2026-11-24T10:00:00",
                                      "2026-11-24T10:00:00.Z",
                                      "2026-11-24T10:00:00Zx",
                                      "2026-11-24T10:00:00+1",
                                      "2026-11-24T10:00:00+24:00",
                                      "2026-11-24T10:00:00+10:60",
                                      "2026-11-24T10:00:00+0100",
                                      " 2026-11-24",
                                      "2026-11-24 ",
                                      "2026-1-1"}) {
    CAPTURE(text);
    const auto time = parse_time(text);
    REQUIRE_FALSE(time.ok());
    CHECK(time.error().code() == Code::invalid_argument);
    CHECK(time.error().message().starts_with(fmt::format("'{}' is not a time; write it as", text)));
  }
}

TEST_CASE("written times read back as they were") {
  SeededRandom random(5);
  for (int i = 0; i < 2000; ++i) {
    const Clock::Time time(std::chrono::microseconds(
        static_cast<std::int64_t>(random.next() % 250'000'000'000'000'000)));
    REQUIRE(*parse_time(format_time(time)) == time);
  }
}

TEST_CASE("a fake clock stands still until it is told") {
  FakeClock clock;
  const auto start = clock.now();
  CHECK(clock.now() == start);
  clock.advance(1h);
  CHECK(clock.now() == start + 1h);
}

TEST_CASE("ids have their prefix, sort by time and are never twice the same") {
  FakeClock clock;
  SeededRandom random(1);
  const std::string first = make_id("doc", clock, random);
  CHECK(first.size() == 4 + 26);
  CHECK(first.starts_with("doc_"));
  CHECK(first.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 4) == std::string::npos);
  clock.advance(1ms);
  CHECK(make_id("doc", clock, random) > first);
  clock.advance(std::chrono::hours(24 * 365 * 50));
  CHECK(make_id("doc", clock, random) > first);
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(make_id("x"));
  CHECK(ids.size() == 10'000);
}

TEST_CASE("the same seed and time give the same id") {
  FakeClock clock;
  SeededRandom a(42), b(42);
  CHECK(make_id("r", clock, a) == make_id("r", clock, b));
}

TEST_CASE("a trace id is 32 small hex digits and not zero") {
  class Zero final : public Random {
    std::uint64_t next() override { return 0; }
  } zero;
  CHECK(make_trace_id(zero) == "00000000000000000000000000000001");
  const std::string id = make_trace_id();
  CHECK(id.size() == 32);
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
}
