#include "app/detail/schedule.hpp"

#include <charconv>

namespace slipway::app::detail {

Result<std::chrono::seconds> parse_interval(const std::string& text) {
  constexpr std::int64_t year = 366 * 24 * 3600;
  constexpr std::pair<char, std::int64_t> units[] = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}, {'w', 7 * 24 * 3600}};
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  for (const auto& [unit, seconds] : units)
    if (error == std::errc() && stop + 1 == end && *stop == unit && count > 0 &&
        count <= year / seconds)
      return std::chrono::seconds(count * seconds);
  return fail(Code::invalid_argument,
              "'{}' is no time between runs; write a number and s, m, h, d or w: 30m, 6h, 1d",
              text);
}

std::optional<Clock::Time> due_at(const std::string& every,
                                  const std::optional<std::string>& started_at, Clock::Time now) {
  if (every.empty()) return std::nullopt;
  if (!started_at) return now;
  const auto interval = parse_interval(every);
  const auto started = parse_time(*started_at);
  return interval && started ? *started + *interval : now;
}

}  // namespace slipway::app::detail
