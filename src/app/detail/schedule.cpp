#include "app/detail/schedule.hpp"

#include "core/duration.hpp"

namespace slipway::app::detail {

Result<std::chrono::seconds> parse_interval(const std::string& text) {
  const auto time = parse_duration(text);
  if (time && *time >= std::chrono::seconds(1) && time->count() % 1000 == 0)
    return std::chrono::duration_cast<std::chrono::seconds>(*time);
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
