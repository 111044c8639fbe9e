// Entries of `evaluations.online` with the models that they ask.
#pragma once

#include <functional>
#include <vector>

#include "app/detail/scoring_models.hpp"
#include "eval/online.hpp"

namespace slipway::app::detail {

/// Judges pay as the project "evaluations"; what an entry's budget says is for each day. `catalog`
/// is kept as long as the evaluators. Without the default embedder local forms go by words alone.
/// Fails: invalid_argument (a metric), not_found (a judge's model).
Result<std::vector<eval::OnlineEvaluator>> online_evaluators(const eval::EvaluationsConfig& config,
                                                             const ScoringParts& parts);

/// Queues a notice for everybody whom the entry names. `ledger` must outlive what is returned.
std::function<void(const eval::OnlineConfig&, const eval::OnlineDrop&)> tell_by(
    budgets::Ledger& ledger);

}  // namespace slipway::app::detail
