// Times of the wire: RFC 3339 in UTC, to the nanosecond.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "trace/run.hpp"

namespace slipway::trace::detail {

/// "2026-11-23T08:00:00.000001Z": six digits of the second, nine where six do not suffice.
std::string time_text(Nanoseconds time);
/// The reverse; accepts offsets and dates alone. Fails: invalid_argument (no time, or none of the
/// years 1678 to 2261, which is what fits).
Result<Nanoseconds> parse_nanoseconds(std::string_view text);

}  // namespace slipway::trace::detail
