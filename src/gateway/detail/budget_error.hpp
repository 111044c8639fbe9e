// How a caller is told, in his dialect, that a budget does not allow his call.
#pragma once

#include "budgets/ledger.hpp"
#include "dialects/codec.hpp"
#include "gateway/detail/failure.hpp"

namespace slipway::gateway::detail {

dialects::WireError wire_error_of(const budgets::Refusal& refusal);
/// Of a try that a budget of its own calls ended; no other deployment is asked.
Failure failure_of_refusal(const budgets::Refusal& refusal);

/// The events by which a dialect breaks a stream for `error`, with what is left of the budget in
/// each that tells of it.
std::string budget_error_events(std::string_view events, const dialects::WireError& error,
                                const json::Object& budget);

/// The dialect's body of `error`, with what is left of the budget.
json::Value budget_error_body(dialects::Dialect dialect, const dialects::WireError& error,
                              const json::Object& budget);

}  // namespace slipway::gateway::detail
