// Questions that come by the gateway pay by the budgets of who asks, as those of /api/ask do.
#pragma once

#include "budgets/ledger.hpp"
#include "rag/pipeline.hpp"

namespace slipway::app::detail {

/// The gateway counts the tokens of such a call; what its models cost is counted here. `refused` is
/// told why there is no money before the question fails with rate_limited. `ledger` must outlive
/// what it gives.
rag::PayForQuestion question_payments(budgets::Ledger& ledger, std::string run_id,
                                      std::function<void(budgets::Refusal)> refused);

}  // namespace slipway::app::detail
