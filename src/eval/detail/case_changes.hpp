// The cases of two evaluations, paired by their ids.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluations.hpp"

namespace slipway::eval::detail {

struct CasePair {
  EvaluationCase baseline, candidate;
  std::optional<double> change;  ///< Of the metric that is looked at; below 0: worse.

  CaseChange shown() const;
};

/// What is said of two evaluations that are not made alike.
std::vector<std::string> differences_of(const EvaluationInfo& baseline,
                                        const EvaluationInfo& candidate);

class CaseChanges {
 public:
  CaseChanges(std::vector<EvaluationCase> baseline, std::vector<EvaluationCase> candidate);

  std::int64_t size() const { return static_cast<std::int64_t>(pairs_.size()); }
  std::int64_t only_baseline() const { return only_baseline_; }
  std::int64_t only_candidate() const { return only_candidate_; }
  /// Fails: conflict (of two datasets, and no case in common).
  Result<void> check(const EvaluationInfo& baseline, const EvaluationInfo& candidate) const;
  /// Of all metrics that either side has; margins as the candidate's suite says.
  std::vector<MetricChange> metrics(const EvaluationInfo& candidate) const;
  /// The one that is asked for, or the first that both sides have.
  /// Fails: invalid_argument.
  Result<std::string> metric_named(const std::string& wish,
                                   const std::vector<MetricChange>& metrics) const;
  /// Fails: invalid_argument (the order).
  Result<std::vector<CasePair>> ordered(const ComparisonQuery& query,
                                        const std::string& metric) const;

 private:
  std::vector<CasePair> pairs_;  ///< In the order of the baseline.
  std::int64_t only_baseline_ = 0, only_candidate_ = 0;
};

}  // namespace slipway::eval::detail
