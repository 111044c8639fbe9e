// The trace_* tables.
#pragma once

#include <vector>

#include "store/database.hpp"

namespace slipway::trace::detail {

std::vector<store::Migration> migrations();

}  // namespace slipway::trace::detail
