// Budgets over HTTP: /api/budgets and what is below it.
#pragma once

#include "budgets/ledger.hpp"
#include "http/api.hpp"

namespace slipway::budgets {

/// `ledger` must outlive the routes.
void mount(http::Api& api, Ledger& ledger);

}  // namespace slipway::budgets
