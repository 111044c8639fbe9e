// The groups of routes; each declares its own.
#pragma once

#include "trace/detail/shapes.hpp"
#include "trace/feedback_filter.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

void mount_traces(http::Api& api, const Services& services);
void mount_runs(http::Api& api, const Services& services);
void mount_costs(http::Api& api, const Services& services);
void mount_export(http::Api& api, const Services& services);
void mount_native_feedback(http::Api& api, const Services& services);

/// Fails: invalid_argument naming the operand.
Result<Query> query_of(const Selection& selection);
Result<Query> query_of(const Listing& listing);

/// The query with its conditions on feedback answered: `resolve_feedback`.
Result<Query> resolved(const http::Call& call, const Services& services, Result<Query> query,
                       Listed listed);

}  // namespace slipway::trace::detail
