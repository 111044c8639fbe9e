// How a caller is told, in his dialect, that a budget does not allow his call.
#pragma once

#include "budgets/ledger.hpp"
#include "dialects/codec.hpp"

namespace slipway::gateway::detail {

dialects::WireError wire_error_of(const budgets::Refusal& refusal);

/// The dialect's body of `error`, with what is left of the budget.
json::Value budget_error_body(dialects::Dialect dialect, const dialects::WireError& error,
                              const json::Object& budget);

}  // namespace slipway::gateway::detail
