// /api/evaluators
#pragma once

#include "http/api.hpp"
#include "trace/evaluators.hpp"

namespace slipway::trace {

/// `rules` must outlive the routes.
void mount_evaluators(http::Api& api, Rules& rules);

}  // namespace slipway::trace
