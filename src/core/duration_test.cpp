#include "core/duration.hpp"

#include <doctest/doctest.h>

namespace slipway {

TEST_CASE("durations are read as written, and written as short as they can be") {
  using namespace std::chrono_literals;
  const std::pair<const char*, std::chrono::milliseconds> pairs[] = {
      {"0s", 0ms},    {"500ms", 500ms}, {"1500ms", 1500ms}, {"30s", 30s},
      {"10m", 10min}, {"6h", 6h},       {"1d", 24h},        {"2w", 336h}};
  for (const auto& [text, time] : pairs) {
    const auto parsed = parse_duration(text);
    REQUIRE(parsed);
    CHECK(*parsed == time);
    CHECK(format_duration(time) == text);
  }
}

TEST_CASE("what is no duration is refused") {
  for (const char* text :
       {"", "s", "5", "-1s", "1.5s", "5 s", "5sec", "9999999999999999999s", "400d"})
    CHECK_FALSE(parse_duration(text));
}

}  // namespace slipway
