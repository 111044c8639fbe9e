// The evaluations of a server, whoever made them: listed, read case by case, compared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/evaluation_store.hpp"
#include "eval/experiments.hpp"
#include "eval/gate.hpp"

namespace slipway::eval {

struct EvaluationQuery {
  std::optional<std::string> dataset_id;  ///< Absent: of all.
  int limit = 50;                         ///< 1..200
  int offset = 0;
};
struct EvaluationPage {
  std::vector<EvaluationInfo> items;  ///< Youngest first.
  bool has_more = false;
};

struct CaseQuery {
  bool failing = false;  ///< Only those that fail: by `metric`, or by any.
  std::string metric;    ///< Only those that it scored, or failed on; empty: all.
  std::string sort;      ///< "score", "-score": by `metric`, or the mean of all; empty: as added.
  int limit = 100;       ///< 1..1000
  int offset = 0;
};
struct CasePage {
  std::vector<EvaluationCase> items;
  bool has_more = false;
};

/// One metric on both sides of the same cases.
struct MetricChange {
  std::string name;
  std::optional<double> baseline, candidate;    ///< Means of the cases that both have.
  std::optional<double> difference, low, high;  ///< With its 95 % interval (t over clusters).
  std::int64_t n = 0, clusters = 0;
  std::optional<double> p_worse, q_worse;  ///< `MetricVerdict::q_worse`.
  std::string verdict;                     ///< Of the gate with `margin`; empty: no margin fits.
  std::optional<double> margin, mde;
  bool lower_is_better = false;
};
BOOST_DESCRIBE_STRUCT(MetricChange, (),
                      (name, baseline, candidate, difference, low, high, n, clusters, p_worse,
                       q_worse, verdict, margin, mde, lower_is_better))

struct CaseSide {
  std::optional<std::string> answer, error, trace_id, run_id;
  std::optional<double> latency_ms, cost_usd;
  std::map<std::string, CaseScore> scores;
};
BOOST_DESCRIBE_STRUCT(CaseSide, (), (answer, error, trace_id, run_id, latency_ms, cost_usd, scores))

struct CaseChange {
  std::string id, input;
  std::optional<std::string> expected_output;
  Severity severity = Severity::normal;
  std::optional<double> change;  ///< Of the metric that is looked at; below 0: worse.
  std::optional<CaseSide> baseline, candidate;
};
BOOST_DESCRIBE_STRUCT(CaseChange, (),
                      (id, input, expected_output, severity, change, baseline, candidate))

struct ComparisonQuery {
  std::string baseline, candidate;  ///< Ids.
  std::string metric;               ///< Whose change orders the cases; empty: the first one.
  std::string sort;      ///< Empty: the worst change first; "-change", "abs", "id" (as added).
  bool changed = false;  ///< Only cases that changed.
  int limit = 50;        ///< 1..200
  int offset = 0;
};
struct EvaluationComparison {
  EvaluationInfo baseline, candidate;
  std::vector<std::string> changes;  ///< What is not the same: dataset version, judge, metrics.
  std::vector<MetricChange> metrics;
  std::int64_t only_baseline = 0, only_candidate = 0;  ///< Cases of one side.
  std::string metric;
  std::int64_t total = 0;  ///< Cases of both sides.
  std::vector<CaseChange> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(EvaluationComparison, (),
                      (baseline, candidate, changes, metrics, only_baseline, only_candidate, metric,
                       total, items, next_cursor))

/// Safe to use from many threads.
class Evaluations {
 public:
  /// Both must outlive it.
  Evaluations(EvaluationStore& store, const Experiments& experiments)
      : store_(store), experiments_(experiments) {}

  Result<EvaluationPage> list(const Context& context, const EvaluationQuery& query) const;
  /// Fails: not_found, and so all below.
  Result<EvaluationInfo> get(const Context& context, const std::string& id) const;
  /// Fails: invalid_argument (a metric or an order that there is not).
  Result<CasePage> cases(const Context& context, const std::string& id,
                         const CaseQuery& query) const;
  /// One case, with its texts.
  Result<EvaluationCase> find_case(const Context& context, const std::string& id,
                                   const std::string& case_id) const;
  /// Fails: invalid_argument (the same one twice, nothing is scored on both sides), conflict (they
  /// are of two datasets; one has not ended).
  Result<EvaluationComparison> compare(const Context& context, const ComparisonQuery& query) const;
  /// `slipway-eval-result/1`: as it was stored, or made of the cases. With `items`.
  Result<json::Object> result(const Context& context, const std::string& id) const;

 private:
  Result<std::vector<EvaluationCase>> all_cases(const Context& context,
                                                const EvaluationInfo& info) const;

  EvaluationStore& store_;
  const Experiments& experiments_;
};

}  // namespace slipway::eval
