// Evaluations over HTTP: /api/evaluations, and goldens of datasets.
#pragma once

#include "api/jobs.hpp"
#include "datasets/mount.hpp"
#include "eval/evaluation.hpp"
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
  /// How suites reach models and collections; datasets are opened here. What the doors capture they
  /// own: evaluations outlive the routes.
  std::function<eval::Doors(const Context&)> doors;
  /// Rules of `traces.mask`, for goldens of traces that are redacted.
  std::vector<std::string> mask;
  /// Where what is done of running evaluations is kept; made if it is not there.
  std::filesystem::path runs_folder;
};

/// Declares the routes. The first time, evaluations that the end of the program before cut off go
/// on.
void mount_evaluations(http::Api& api, const EvaluationServices& services);

}  // namespace slipway::api
