// A chat model whose calls pay by the budgets of somebody, where no gateway is in between.
#pragma once

#include <memory>
#include <optional>

#include "budgets/ledger.hpp"
#include "models/chat_model.hpp"
#include "models/usage.hpp"

namespace slipway::app::detail {

/// Reserves what a call may cost at most before it leaves and settles it after its end; refuses
/// what a budget has no room for with `eval::budget_spent`. Without a price budgets in dollars
/// refuse it. `ledger` must outlive it.
std::shared_ptr<models::ChatModel> paid_chat_model(std::shared_ptr<models::ChatModel> model,
                                                   std::optional<models::Price> price,
                                                   budgets::Payer payer, budgets::Ledger& ledger);

}  // namespace slipway::app::detail
