#include "core/time_zone.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"

using namespace slipway;

namespace {

/// A file of version 2 that has one change, to +01:00 at 1000, and a rule.
std::string file_of(const std::string& rule) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      text += static_cast<char>(value >> shift & 0xff);
    return text;
  };
  const auto block = [&](int time_bytes) {
    std::string text = "TZif2" + std::string(15, '\0');
    for (const int count : {0, 0, 0, 1, 2, 4}) text += number(static_cast<unsigned>(count), 4);
    text += number(1000, time_bytes) + '\1';
    return text + number(0, 4) + '\0' + '\0' + number(3600, 4) + '\0' + '\0' + "LMT" + '\0';
  };
  return block(4) + block(8) + "\n" + rule + "\n";
}

std::int64_t at(std::string_view text) {
  const auto time = parse_time(text);
  REQUIRE(time.ok());
  return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

}  // namespace

TEST_CASE("a zone follows its changes, and its rule after the last of them") {
  const auto zone = TimeZone::parse(file_of("CET-1CEST,M3.5.0,M10.5.0/3"));
  REQUIRE(zone.ok());
  CHECK(zone->offset_at(999) == 0);
  CHECK(zone->offset_at(1000) == 3600);
  CHECK(zone->offset_at(at("2026-03-29T00:59:59Z")) == 3600);
  CHECK(zone->offset_at(at("2026-03-29T01:00:00Z")) == 7200);
  CHECK(zone->offset_at(at("2026-10-25T00:59:59Z")) == 7200);
  CHECK(zone->offset_at(at("2026-10-25T01:00:00Z")) == 3600);
  const auto change = zone->next_change(at("2026-03-29T01:00:00Z"));
  REQUIRE(change);
  CHECK(change->time == at("2026-10-25T01:00:00Z"));
  CHECK(change->offset == 3600);
}

TEST_CASE("rules are read in all their forms") {
  const auto offset = [](const char* rule, const char* time) {
    const auto zone = TimeZone::parse(file_of(rule));
    REQUIRE(zone.ok());
    return zone->offset_at(at(time));
  };
  // South of the equator, with a name in brackets and a summer that is half an hour.
  CHECK(offset("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-10T00:00:00Z") == 11 * 3600);
  CHECK(offset("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-06-10T00:00:00Z") == 37800);
  CHECK(offset("A0B,J60/0,J300/0", "2028-03-01T00:30:00Z") == 3600);
  CHECK(offset("A0B,J60/0,J300/0", "2028-02-29T23:30:00Z") == 0);
  CHECK(offset("A0B,59/0,300/0", "2028-02-29T00:30:00Z") == 3600);
  CHECK(offset("EST5", "1970-01-01T00:30:00Z") == 3600);  // What the changes say goes first.
}

TEST_CASE("bytes that are no zone are told, whatever they are") {
  const std::string good = file_of("CET-1CEST,M3.5.0,M10.5.0/3");
  for (std::size_t size = 0; size < good.size(); ++size)
    (void)TimeZone::parse(good.substr(0, size)).ok();
  SeededRandom random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) bad[random.next() % bad.size()] = static_cast<char>(random.next());
    (void)TimeZone::parse(bad).ok();
  }
  CHECK(TimeZone::parse("").error().message().find("TZif") != std::string::npos);
  CHECK(TimeZone::parse(good.substr(0, 60)).error().message().find("cut off") != std::string::npos);
  CHECK(!TimeZone::parse(file_of("CET-1CEST,M3.9.0,M10.5.0/3")).ok());
  CHECK(!TimeZone::parse(file_of("CET-1CEST")).ok());
}

TEST_CASE("names are looked up in the machine's database only") {
  CHECK(TimeZone::find("UTC", "/nowhere")->offset_at(0) == 0);
  for (const char* name : {"", "../etc/passwd", "/etc/passwd", "Europe", "Europe/Nowhere", "a b"}) {
    const auto zone = TimeZone::find(name);
    REQUIRE(!zone.ok());
    CHECK(zone.error().message().find("time zone") != std::string::npos);
  }
  CHECK(TimeZone::find("Europe/Berlin", "/nowhere").error().message().find("tzdata") !=
        std::string::npos);
}
