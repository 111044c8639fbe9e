// From scores of items to numbers with error bars.
#pragma once

#include "eval/runner.hpp"

namespace slipway::eval::detail {

/// Fills `result.metrics` from its items; one entry per metric of the suite, in order.
void aggregate(const RunParts& parts, EvalResult& result);

/// One entry per perturbation and metric. `perturbed[p][item]` are the scores of perturbation p.
std::vector<RobustnessResult> compare_perturbed(
    const RunParts& parts, const EvalResult& clean,
    const std::vector<std::vector<std::vector<ItemScore>>>& perturbed);

/// The cluster's name by the suite's key; empty: the item is its own.
std::string cluster_of(const Suite& suite, const Golden& golden);

}  // namespace slipway::eval::detail
