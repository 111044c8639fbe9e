// Questions that come by the gateway pay by the budgets of who asks, as those of /api/ask do.
#pragma once

#include "budgets/ledger.hpp"
#include "rag/pipeline.hpp"

namespace slipway::app::detail {

/// The gateway counts the tokens of such a call; what its models cost is counted here. `ledger`
/// must outlive what it gives.
rag::PayForQuestion question_payments(budgets::Ledger& ledger);

}  // namespace slipway::app::detail
