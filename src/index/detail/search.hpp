// One search over one snapshot. Pure: no database, no locks.
#pragma once

#include "index/detail/segment.hpp"
#include "index/index.hpp"

namespace slipway::index {

/// Fails: invalid_argument (limit, vector, text, weight).
Result<void> check_query(const Query& query, const Index::Options& options);

/// Fails: as check_query; deadline_exceeded, cancelled; internal when a segment is damaged.
Result<Found> search_snapshot(const Context& context, const Snapshot& snapshot, const Query& query,
                              const Index::Options& options);

}  // namespace slipway::index
