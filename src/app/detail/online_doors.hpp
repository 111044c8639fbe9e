// Entries of `evaluations.online` with the models that they ask.
#pragma once

#include <memory>
#include <vector>

#include "budgets/ledger.hpp"
#include "eval/online.hpp"
#include "models/catalog.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

struct OnlineParts {
  std::shared_ptr<models::Catalog> catalog;
  std::string default_embedder;
  trace::Recorder* recorder = nullptr;  ///< Must outlive the evaluators, as the next one.
  budgets::Ledger& ledger;
};

/// Judges pay as the project "evaluations"; what an entry's budget says is for each day. `catalog`
/// is kept as long as the evaluators. Without the default embedder local forms go by words alone.
/// Fails: invalid_argument (a metric), not_found (a judge's model).
Result<std::vector<eval::OnlineEvaluator>> online_evaluators(const eval::EvaluationsConfig& config,
                                                             const OnlineParts& parts);

/// Queues a notice for everybody whom the entry names. `ledger` must outlive what is returned.
std::function<void(const eval::OnlineConfig&, const eval::OnlineDrop&)> tell_by(
    budgets::Ledger& ledger);

}  // namespace slipway::app::detail
