// Of which traces somebody has said something.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "store/database.hpp"

namespace slipway::trace {

/// Those of `trace_ids` of which people or programs, but no evaluator, have given feedback within
/// the last hour. Fails: as a read of the database.
Result<std::set<std::string>> spoken_of(const Context& context, store::Database& database,
                                        const std::vector<std::string>& trace_ids,
                                        const Clock& clock = system_clock());

}  // namespace slipway::trace
