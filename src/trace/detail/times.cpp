#include "trace/detail/times.hpp"

#include <chrono>

#include "core/clock.hpp"

namespace slipway::trace::detail {

namespace {

constexpr Nanoseconds per_second = 1'000'000'000;
constexpr Nanoseconds per_microsecond = 1'000;

/// What the seventh to ninth digits of the fraction say.
Nanoseconds beyond_microseconds(std::string_view text) {
  constexpr std::size_t first = 7, last = 9;
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return 0;
  Nanoseconds value = 0;
  bool has_ended = false;
  for (std::size_t i = 1; i <= last; ++i) {
    const char c = point + i < text.size() ? text[point + i] : 'Z';
    has_ended = has_ended || c < '0' || c > '9';
    if (i >= first) value = value * 10 + (has_ended ? 0 : c - '0');
  }
  return value;
}

}  // namespace

std::string time_text(Nanoseconds time) {
  using namespace std::chrono;
  Nanoseconds second = time / per_second, rest = time % per_second;
  if (rest < 0) --second, rest += per_second;
  const sys_seconds whole{seconds(second)};
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const hh_mm_ss clock{whole - day};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  text += rest % per_microsecond == 0 ? fmt::format("{:06}Z", rest / per_microsecond)
                                      : fmt::format("{:09}Z", rest);
  return text;
}

Result<Nanoseconds> parse_nanoseconds(std::string_view text) {
  const auto time = TRY(parse_time(text));
  const auto microseconds = time.time_since_epoch().count();
  constexpr Nanoseconds most = std::numeric_limits<Nanoseconds>::max() / per_microsecond - 1;
  if (microseconds > most || microseconds < -most)
    return fail(Code::invalid_argument, "'{}' is not a time of the years 1678 to 2261", text);
  return microseconds * per_microsecond + beyond_microseconds(text);
}

}  // namespace slipway::trace::detail
