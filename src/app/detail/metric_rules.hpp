// Rules that score runs as they come in by a metric.
#pragma once

#include <memory>
#include <string>

#include "budgets/ledger.hpp"
#include "models/catalog.hpp"
#include "trace/evaluators.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

struct MetricRuleParts {
  trace::TraceStore& store;  ///< Must outlive the scorer, as the next two.
  budgets::Ledger& ledger;
  trace::Recorder* recorder = nullptr;
  std::shared_ptr<models::Catalog> catalog;
  std::string default_embedder;
};

/// Metrics are made when a rule first asks for them and kept; judges pay as the project
/// "evaluations".
trace::MetricScorer metric_rules(MetricRuleParts parts);

}  // namespace slipway::app::detail
