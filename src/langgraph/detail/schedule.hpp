// When crons come: five fields as cron has them, on the clocks of a time zone.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time_zone.hpp"

namespace slipway::langgraph::detail {

/// "MINUTE HOUR DAY MONTH WEEKDAY": numbers, names (JAN, MON), `*`, lists, ranges, steps; or
/// @hourly, @daily, @weekly, @monthly, @yearly. Day and weekday are alternatives where neither is
/// `*`; 0 and 7 are Sunday. A value.
class Schedule {
 public:
  /// Fails: invalid_argument, naming the field and what it may be.
  static Result<Schedule> parse(std::string_view text);

  /// The first time after `after` (both in seconds since 1970). What clocks skip comes when they
  /// have skipped it; what they repeat comes once, but for schedules of every hour, which follow
  /// the time that passes. Nothing: not within the next ten years (the 30th of February).
  std::optional<std::int64_t> next(std::int64_t after, const TimeZone& zone) const;

 private:
  /// The first minute from `local` on that fits, on a clock; not after `until`.
  std::optional<std::int64_t> next_local(std::int64_t local, std::int64_t until) const;
  bool is_day(std::int64_t days) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool has_any_day_ = false, has_any_weekday_ = false;
};

}  // namespace slipway::langgraph::detail
