// So much in a time, as configurations write it: "100/min".
#pragma once

#include <chrono>
#include <string_view>

#include "core/result.hpp"

namespace slipway {

struct Rate {
  double count = 0;  ///< Above 0, at most 1e12.
  std::chrono::milliseconds per{60'000};
};

/// A positive number, '/', and one of s, min, h, d. Fails: invalid_argument.
Result<Rate> parse_rate(std::string_view text);

}  // namespace slipway
