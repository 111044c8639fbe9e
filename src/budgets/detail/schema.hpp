// The tables of budgets.db.
#pragma once

#include <vector>

#include "store/database.hpp"

namespace slipway::budgets::detail {

std::vector<store::Migration> migrations();

}  // namespace slipway::budgets::detail
