// Conditions on feedback in queries of runs and traces.
#pragma once

#include "trace/feedback.hpp"
#include "trace/query.hpp"

namespace slipway::trace {

/// What a query lists: traces match when any of their runs has such feedback.
enum class Listed { runs, traces };

/// Puts the ids of what has such feedback in the place of every "feedback.KEY". Numbers are
/// compared with scores, texts with values; "feedback.*" is any key. Without it no store finds
/// anything by such a condition. Fails: invalid_argument (too many match).
Result<void> resolve_feedback(const Context& context, Feedbacks& feedbacks, Filter& filter,
                              Listed listed);

}  // namespace slipway::trace
