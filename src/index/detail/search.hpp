// One search over one snapshot. Pure: no database, no locks.
#pragma once

#include "index/detail/segment.hpp"
#include "index/index.hpp"

namespace slipway::index {

/// Fails: invalid_argument (limit, vector, text, weight), deadline_exceeded, cancelled.
Result<Found> search_snapshot(const Context& context, const Snapshot& snapshot, const Query& query,
                              const Index::Options& options);

}  // namespace slipway::index
