// Evaluations as a server keeps and shows them: what was measured over which dataset, and every
// case of it. A run of a suite and an experiment that a client left look the same here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "eval/golden.hpp"
#include "eval/metric.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

/// `interrupted`: the program ended before the evaluation did; what it has stays readable.
enum class EvaluationState { queued, running, done, failed, cancelled, interrupted };
BOOST_DESCRIBE_ENUM(EvaluationState, queued, running, done, failed, cancelled, interrupted)

/// `experiment`: the runs of a project over a dataset, as LangSmith's `evaluate()` leaves them.
enum class EvaluationSource { evaluation, experiment };
BOOST_DESCRIBE_ENUM(EvaluationSource, evaluation, experiment)

struct DatasetRef {
  std::string id, name;
  std::optional<std::string> version;  ///< The time of its commit; absent: nobody said.
};
BOOST_DESCRIBE_STRUCT(DatasetRef, (), (id, name, version))

/// A mean, and what it is worth.
struct MetricSummary {
  std::string name;
  std::optional<double> mean, low, high;  ///< The 95 % interval; absent: too few values.
  std::string method = "none";            ///< Of the interval: `Interval::method`.
  std::int64_t n = 0, clusters = 0;
  std::int64_t skipped = 0, errors = 0;  ///< Cases without a score; cases that failed.
  std::optional<double> pass_rate;
  std::optional<double> mde;  ///< The smallest drop that so many cases show: `Detectable::mde`.
  bool lower_is_better = false;
  std::optional<double> threshold;
};
BOOST_DESCRIBE_STRUCT(MetricSummary, (),
                      (name, mean, low, high, method, n, clusters, skipped, errors, pass_rate, mde,
                       lower_is_better, threshold))

struct EvaluationInfo {
  std::string id, name;
  EvaluationSource source = EvaluationSource::evaluation;
  EvaluationState state = EvaluationState::queued;
  std::optional<std::string> error;  ///< Why it failed or broke off.
  std::optional<DatasetRef> dataset;
  std::string target, judge;  ///< As people call them; empty: none.
  std::string created_at;
  std::optional<std::string> finished_at;
  std::int64_t done = 0, total = 0;   ///< Cases.
  std::optional<bool> passed;         ///< Absent: nothing was to be held, or it has not ended.
  std::vector<std::string> failures;  ///< Why it has not passed.
  std::vector<MetricSummary> metrics;
  std::optional<std::string> job;
  std::optional<json::Object> request;  ///< The suite that was asked for.
  json::Object metadata;
};
BOOST_DESCRIBE_STRUCT(EvaluationInfo, (),
                      (id, name, source, state, error, dataset, target, judge, created_at,
                       finished_at, done, total, passed, failures, metrics, job, request, metadata))

/// A claim, chunk or sentence that a metric looked at.
struct CaseScoreItem {
  std::string text, verdict, reason;
  std::optional<std::int64_t> byte_start, byte_end;
  std::optional<double> score;
};
BOOST_DESCRIBE_STRUCT(CaseScoreItem, (), (text, verdict, reason, byte_start, byte_end, score))

struct CaseScore {
  std::optional<double> score;
  std::optional<bool> pass;
  std::string reason;
  std::optional<std::string> error;
  std::vector<CaseScoreItem> items;
};
BOOST_DESCRIBE_STRUCT(CaseScore, (), (score, pass, reason, error, items))

/// One case with what came out of it.
struct EvaluationCase {
  std::string id, cluster;
  Severity severity = Severity::normal;
  std::string input;
  std::optional<std::string> expected_output, actual_output;
  std::vector<std::string> retrieval_context;
  std::optional<std::string> error;  ///< Why there is no answer.
  std::optional<std::string> trace_id, run_id;
  std::optional<double> latency_ms, cost_usd;
  std::map<std::string, CaseScore> scores;  ///< By metric.

  bool is_failing() const;
};
BOOST_DESCRIBE_STRUCT(EvaluationCase, (),
                      (id, cluster, severity, input, expected_output, actual_output,
                       retrieval_context, error, trace_id, run_id, latency_ms, cost_usd, scores))

/// Of a metric over cases: mean, interval, pass rate. Cases that do not know the metric count for
/// nothing; clusters as `EvaluationCase::cluster` says.
MetricSummary summary_of(const std::string& metric, const std::vector<EvaluationCase>& cases);
/// Of values of which only sums are known, each its own cluster: Wilson where all are 0 or 1, else
/// Student's t.
MetricSummary summary_of_sums(const std::string& metric, std::int64_t n, double sum,
                              double sum_of_squares);
/// What is said of a metric that is known by its name alone: times, costs.
bool is_lower_better(std::string_view metric);

}  // namespace slipway::eval
