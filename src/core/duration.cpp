#include "core/duration.hpp"

#include <charconv>
#include <iterator>

namespace slipway {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

constexpr Unit units[] = {{"ms", 1},        {"s", 1'000},      {"m", 60'000},
                          {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
constexpr std::int64_t year_ms = std::int64_t{366} * 86'400'000;

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t count = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  for (const Unit& unit : units)
    if (error == std::errc() && name == unit.name && count >= 0 &&
        count <= year_ms / unit.milliseconds)
      return std::chrono::milliseconds(count * unit.milliseconds);
  return fail(Code::invalid_argument,
              "'{}' is no time; write a whole number and ms, s, m, h, d or w: 500ms, 30s, 10m",
              text);
}

std::string format_duration(std::chrono::milliseconds time) {
  const Unit* best = units;
  for (const Unit& unit : units)
    if (time.count() != 0 && time.count() % unit.milliseconds == 0) best = &unit;
  if (time.count() == 0) return "0s";
  return std::to_string(time.count() / best->milliseconds) + std::string(best->name);
}

}  // namespace slipway
