// When a source is due.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace slipway::app::detail {

/// "90s", "30m", "6h", "1d", "2w". Fails: invalid_argument; less than a second or more than a year.
Result<std::chrono::seconds> parse_interval(const std::string& text);

/// When it is due: `every` after it last began; at once when it never did. Nothing when it has no
/// schedule. `every` is valid.
std::optional<Clock::Time> due_at(const std::string& every,
                                  const std::optional<std::string>& started_at, Clock::Time now);

}  // namespace slipway::app::detail
