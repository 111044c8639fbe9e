// Numbers between bounds, digit by digit.
#pragma once

#include <optional>
#include <string>

namespace slipway::models::detail {

struct NumberBounds {
  std::optional<double> least;
  std::optional<double> most;
  bool excludes_least = false;
  bool excludes_most = false;
};

/// The body of a rule for JSON numbers within the bounds, or nothing when there
/// is none. Whole numbers have no fraction and at most 15 digits where no bound
/// says otherwise; others have at most 15 digits and no exponent, unless both
/// bounds are absent.
std::optional<std::string> integer_grammar(const NumberBounds& bounds);
std::optional<std::string> number_grammar(const NumberBounds& bounds);

}  // namespace slipway::models::detail
