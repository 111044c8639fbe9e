// Experiments that clients left (LangSmith's `evaluate()`), read as evaluations: a case for each
// example that has runs, a metric for each key of feedback.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/guarded.hpp"
#include "datasets/mount.hpp"
#include "eval/evaluation_info.hpp"

namespace slipway::eval {

/// In the metadata of a project's `extra`: the evaluation that wrote its runs.
inline constexpr std::string_view evaluation_key = "slipway_evaluation";

/// Safe to use from many threads.
class Experiments {
 public:
  /// What `services` refers to must outlive it.
  explicit Experiments(const datasets::Services& services) : services_(services) {}

  /// Of one dataset (its id), or of all; youngest first, without metrics. Those that evaluations of
  /// ours wrote are left out.
  Result<std::vector<EvaluationInfo>> list(const Context& context,
                                           const std::optional<std::string>& dataset_id) const;
  /// Fills in what a list shows: metrics and how many cases. Of very large ones the means of their
  /// feedback alone, each run a cluster of its own.
  Result<void> summarise(const Context& context, EvaluationInfo& info) const;
  /// With metrics and their intervals; how many cases. Absent: there is no such experiment.
  Result<std::optional<EvaluationInfo>> get(const Context& context, const std::string& id) const;
  /// Without texts. Several runs of an example are one case, whose scores are means.
  /// Fails: invalid_argument (more than 100,000 runs).
  Result<std::vector<EvaluationCase>> cases(const Context& context,
                                            const EvaluationInfo& info) const;
  /// Fills in inputs, expected and actual outputs, and what evaluators said.
  Result<void> fill(const Context& context, std::vector<EvaluationCase>& cases) const;

 private:
  Result<void> measure(const Context& context, EvaluationInfo& info) const;

  const datasets::Services services_;
  /// What is measured, by experiment and what its feedback adds up to.
  mutable Guarded<std::map<std::string, EvaluationInfo>> measured_;
};

}  // namespace slipway::eval
