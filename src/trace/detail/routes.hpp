// The groups of routes; each declares its own.
#pragma once

#include "trace/detail/shapes.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

void mount_traces(http::Api& api, const Services& services);
void mount_runs(http::Api& api, const Services& services);
void mount_costs(http::Api& api, const Services& services);

/// Fails: invalid_argument naming the operand.
Result<Query> query_of(const Selection& selection);
Result<Query> query_of(const Listing& listing);

}  // namespace slipway::trace::detail
