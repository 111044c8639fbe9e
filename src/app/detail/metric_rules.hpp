// Rules that score runs as they come in by a metric.
#pragma once

#include "app/detail/scoring_models.hpp"
#include "trace/evaluators.hpp"
#include "trace/store.hpp"

namespace slipway::app::detail {

struct MetricRuleParts {
  trace::TraceStore& store;  ///< Must outlive the scorer.
  ScoringParts scoring;
};

/// Metrics are made when a rule first asks for them and kept.
trace::RunScorer metric_rules(MetricRuleParts parts);

}  // namespace slipway::app::detail
