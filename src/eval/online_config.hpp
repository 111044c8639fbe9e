// The section `evaluations:` of slipway.yaml.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "budgets/alerts.hpp"
#include "eval/suite.hpp"

namespace slipway::eval {

/// One entry of `evaluations.online` of slipway.yaml.
struct OnlineConfig {
  std::string name;  ///< In feedback, rates and alerts; empty: "online-1", by its place.
  std::optional<json::Value> filter;       ///< As /api/runs takes it; of root runs. Absent: all.
  double sample = 0.05;                    ///< Share of the traces, 0..1.
  std::vector<json::Value> metrics;        ///< As in a suite.
  std::optional<JudgeSpec> judge;          ///< Absent: local forms alone.
  std::optional<BudgetSpec> budget;        ///< Of the judge, for each day (UTC).
  std::vector<budgets::AlertTarget> send;  ///< Who is told of a drop beyond a metric's margin.
  static constexpr std::string_view required[] = {"metrics"};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(OnlineConfig, (), (name, filter, sample, metrics, judge, budget, send))

/// `evaluations:` of slipway.yaml.
struct EvaluationsConfig {
  std::vector<OnlineConfig> online;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(EvaluationsConfig, (), (online))

}  // namespace slipway::eval
