// Money without rounding: whole picodollars, and prices as decimals.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::trace {

/// An amount in 10^-12 dollars; up to nine million dollars either way.
struct Picodollars {
  std::int64_t value = 0;
  auto operator<=>(const Picodollars&) const = default;
  Picodollars& operator+=(Picodollars other);  ///< Saturates.
  /// For replies and people: the nearest double. A division, since 1e-12 is no double.
  double dollars() const { return static_cast<double>(value) / 1e12; }
};
/// The nearest picodollar. Fails: invalid_argument (not finite, negative or above nine million).
Result<Picodollars> picodollars(double dollars);

/// Dollars for one token (or second, or search), exactly as the table's decimal says: a whole
/// number of 10^-18 dollars. Never negative.
struct Price {
  std::int64_t attodollars = 0;
  auto operator<=>(const Price&) const = default;
  /// `count` times the price, rounded half to even to a picodollar; saturates.
  Picodollars times(std::int64_t count) const;
  std::string text() const;  ///< Exact, and a JSON number: "2.5e-06", "0.00125", "3".
  double dollars() const { return static_cast<double>(attodollars) / 1e18; }
};
/// "2.5e-06", "0.00000125", "3". What is finer than 10^-18 is noise of somebody's floating point
/// ("2.0000000000000002e-07") and is rounded half to even. Fails: invalid_argument (no number,
/// negative, above nine dollars, or so small that it would become nothing).
Result<Price> parse_price(std::string_view text);

}  // namespace slipway::trace
