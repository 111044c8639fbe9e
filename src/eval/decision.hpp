// Whether a run is good enough. Every report, and the exit code, say what stands here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/gate.hpp"
#include "eval/result.hpp"
#include "eval/suite.hpp"

namespace slipway::eval {

struct Finding {
  enum class Kind {
    regressed,     ///< A metric, against the baseline.
    critical,      ///< A critical item that passed in the baseline.
    threshold,     ///< A metric's mean.
    pass_rate,     ///< A metric's share of passing items.
    item,          ///< An item, where the suite gates each.
    missing,       ///< Too many items on one side only.
    changed,       ///< Dataset, metrics or judge are not those of the baseline.
    inconclusive,  ///< A metric, against the baseline.
    errors,        ///< Too many cases could not be scored.
    budget         ///< The judge's budget was spent.
  };
  BOOST_DESCRIBE_NESTED_ENUM(Kind, regressed, critical, threshold, pass_rate, item, missing,
                             changed, inconclusive, errors, budget)
  Kind kind = Kind::threshold;
  bool fails = true;    ///< Or is only told.
  std::string metric;   ///< Empty: of none.
  std::string item;     ///< Empty: of none.
  std::string message;  ///< A sentence without a full stop.
  std::string title() const;
};

/// The side of the gate; only with a baseline.
struct GateReport {
  std::vector<MetricVerdict> metrics;
  std::vector<std::string> critical;  ///< Ids.
  std::vector<std::string> only_in_baseline, only_in_candidate;
};

struct Decision {
  bool holds = true;  ///< No finding fails.
  std::vector<Finding> findings;
  std::optional<GateReport> gate;

  int exit_code() const { return holds ? 0 : 1; }
  const MetricVerdict* verdict_of(std::string_view metric) const;
};

struct DecisionOptions {
  const EvalResult* baseline = nullptr;  ///< Null: there is no gate.
  bool accept_changes = false;
  bool budget_spent = false;
};
Decision decide(const Suite& suite, const EvalResult& result, const DecisionOptions& options);

/// What of a suite a result tells by itself, for results that are compared without one: its name,
/// metrics with thresholds and margins.
Suite suite_of(const EvalResult& result);

/// For the result: {"decision","alpha","metrics":[...],"critical":[...],"missing":{...},
/// "findings":[...]}.
json::Object gate_json(const Decision& decision);

}  // namespace slipway::eval
