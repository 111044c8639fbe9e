// The one table of metrics: what each is told, needs and does.
#pragma once

#include <vector>

#include "eval/detail/case.hpp"

namespace slipway::eval {

/// A metric, and what it does in each of the modes that its `info` lists, in that order.
struct MetricRow {
  MetricInfo info;
  std::vector<ScoreFunction> scores;
};

/// In the order of the contract.
const std::vector<MetricRow>& metric_rows();

/// Parts of it.
std::vector<MetricRow> faithfulness_rows();  ///< What compares an output with passages.
std::vector<MetricRow> judged_rows();        ///< What else is judged.
std::vector<MetricRow> plain_rows();         ///< What asks nobody.

}  // namespace slipway::eval
