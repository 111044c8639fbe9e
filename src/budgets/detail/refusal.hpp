// Whether a wish fits a budget, and how that it does not is told.
#pragma once

#include "budgets/detail/books.hpp"

namespace slipway::budgets::detail {

/// What an account and its budget leave.
struct Room {
  const Definition& definition;
  const Account& account;
  std::optional<std::int64_t> usd() const;  ///< Picodollars; nothing: no limit.
  std::optional<std::int64_t> tokens() const;

  bool fits(const Wish& wish, const Amount& amount) const;
  /// The longest reply that fits, at most the one wished for; negative: not even the input does.
  std::int64_t output_tokens(const Wish& wish) const;
};

Refusal refusal_of(const Room& room, const Wish& wish, Clock::Time now);
/// "0.00000125", "10.00": exact, two digits at least.
std::string dollar_text(trace::Picodollars amount);

}  // namespace slipway::budgets::detail
