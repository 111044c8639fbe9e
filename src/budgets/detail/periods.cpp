#include "budgets/detail/periods.hpp"

namespace slipway::budgets::detail {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

Clock::Time start_of(Period period, Clock::Time now) {
  switch (period) {
    case Period::total: return {};
    case Period::hour: return std::chrono::floor<std::chrono::hours>(now);
    case Period::day: return std::chrono::floor<std::chrono::days>(now);
    case Period::month: {
      const year_month_day today{std::chrono::floor<std::chrono::days>(now)};
      return sys_days(today.year() / today.month() / 1);
    }
  }
  return {};
}

}  // namespace

std::int64_t period_start(Period period, Clock::Time now) {
  return std::chrono::floor<std::chrono::seconds>(start_of(period, now)).time_since_epoch().count();
}

std::optional<Clock::Time> period_end(Period period, Clock::Time now) {
  const Clock::Time start = start_of(period, now);
  switch (period) {
    case Period::total: return {};
    case Period::hour: return start + std::chrono::hours(1);
    case Period::day: return start + std::chrono::days(1);
    case Period::month: {
      const year_month_day first{std::chrono::floor<std::chrono::days>(start)};
      return sys_days((first.year() / first.month() + std::chrono::months(1)) / 1);
    }
  }
  return {};
}

}  // namespace slipway::budgets::detail
