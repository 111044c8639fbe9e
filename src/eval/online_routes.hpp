// /api/online-evaluations
#pragma once

#include "eval/online.hpp"
#include "http/api.hpp"

namespace slipway::eval {

/// `online` must outlive the routes.
void mount_online(http::Api& api, OnlineEvaluations& online);

}  // namespace slipway::eval
