// Evaluations over HTTP: /api/evaluations, and goldens of datasets.
#pragma once

#include "api/jobs.hpp"
#include "datasets/mount.hpp"
#include "eval/evaluations.hpp"
#include "http/api.hpp"
#include "trace/evaluators.hpp"

namespace slipway::api {

/// All must outlive the routes, and the jobs that they began.
struct EvaluationServices {
  eval::EvaluationStore& store;
  Jobs& jobs;
  datasets::Services datasets;
  trace::Rules& rules;
};

/// Declares the routes.
void mount_evaluations(http::Api& api, const EvaluationServices& services);

}  // namespace slipway::api
