// Runs a suite: cases through target and metrics, in parallel, then the aggregates.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "eval/golden_set.hpp"
#include "eval/metric.hpp"
#include "eval/result.hpp"
#include "eval/suite.hpp"
#include "eval/target.hpp"

namespace slipway::eval {

/// A changed copy of a golden that keeps what is expected of it; `index` is its place in the set.
/// Safe to use from many threads. Fails: the case is an error.
using Perturb = std::function<Result<Golden>(const Golden& golden, std::size_t index)>;
struct NamedPerturb {
  std::string name;
  Perturb perturb;
};

struct RunParts {
  const Suite& suite;  ///< These must outlive the run.
  const GoldenSet& goldens;
  Target* target = nullptr;  ///< Null: the goldens hold their outputs.
  /// The suite's metrics in order, once per repeat: a repeat asks the judge for another sample.
  std::vector<std::vector<std::unique_ptr<Metric>>> metrics;
  std::vector<NamedPerturb> perturbations;
  std::string judge;     ///< Its identity; empty: there is none.
  std::string evidence;  ///< Of local forms; part of the fingerprint.
};

struct RunOptions {
  std::size_t threads = 0;  ///< 0: one per core.
  /// Where what is done is kept until the run ends, so that an interrupted one goes on; empty:
  /// nowhere. A file that is of another run is written anew.
  std::filesystem::path journal;
  /// Called from many threads, not at once: cases done of all.
  std::function<void(std::size_t done, std::size_t all)> on_progress;
  std::size_t details_bytes_max = 64u << 20;  ///< 0: no details.
};

/// Why an item has its scores: what a reader drills down to.
struct Details {
  /// In the order of the result's items, JSON:
  /// {"id","input","expected_output","actual_output","retrieval_context","scores":
  /// {"faithfulness":{"score","pass","reason","items":[...]}}, "error"}. Empty: left out, because
  /// all together would be larger than allowed; failing items are kept before others.
  std::vector<std::string> by_item;
  std::size_t left_out = 0;
};

struct RunOutcome {
  EvalResult result;  ///< Without a gate.
  Details details;
  std::size_t resumed = 0;         ///< Cases that an earlier run had done.
  std::vector<std::string> notes;  ///< What went wrong with cases: one line per kind, with counts.
  bool budget_spent = false;       ///< Some scores are null because the judge's budget was spent.
};

/// A case that fails is an error in the result. Fails: cancelled, deadline_exceeded (what is done
/// is in the journal).
Result<RunOutcome> run_suite(const Context& context, const RunParts& parts,
                             const RunOptions& options = {});

/// "sha256:..." of what makes the metrics' scores: names, modes, options, thresholds, local
/// evidence.
std::string fingerprint_of(const RunParts& parts);

/// What stands for an absent margin: .05; of latency and cost 5 % of the baseline's mean.
double margin_of(const MetricResult& candidate, const MetricResult& baseline);

/// Metrics whose scores are quantities, not shares: percentiles are shown, intervals are by
/// bootstrap.
bool is_quantity(std::string_view metric);

}  // namespace slipway::eval
