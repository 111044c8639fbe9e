// When a budget begins anew.
#pragma once

#include <cstdint>
#include <optional>

#include "budgets/config.hpp"
#include "core/clock.hpp"

namespace slipway::budgets::detail {

/// Of the period that `now` is in, in seconds since 1970; 0 of `total`.
std::int64_t period_start(Period period, Clock::Time now);
/// When the next one begins; nothing of `total`.
std::optional<Clock::Time> period_end(Period period, Clock::Time now);

}  // namespace slipway::budgets::detail
