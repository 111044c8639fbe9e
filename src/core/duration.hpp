// Times as people write them in a configuration.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway {

/// A whole number and a unit (ms, s, m, h, d, w): "500ms", "30s", "10m". At most a year; "0s" is
/// zero. Fails: invalid_argument.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// As short as it can be written exactly: "30s", "1500ms".
std::string format_duration(std::chrono::milliseconds time);

}  // namespace slipway
