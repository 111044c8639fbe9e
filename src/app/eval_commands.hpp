// The commands of `slipway eval`: what each is told, and how it is run. See commands.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

struct EvalStatsOptions {
  std::string file;  ///< One request a line; "-": standard input.
};
/// One reply a line, in order. A request that is wrong is answered with its error, and the exit
/// code is then 1.
Result<int> eval_stats(App& app, const EvalStatsOptions& options);

struct EvalScoreOptions {
  std::string file;  ///< One request a line; "-": standard input.
  /// Who answers requests that bring no replies: a file of scripted ones, or a chat model. Not
  /// both; empty: nobody.
  std::string replies, judge;
  bool no_cache = false;  ///< Ask the model anew.
  std::string embedder;   ///< For local evidence; "none": by words alone; empty: the default one.
};
/// One answer a line, in order. A request that is wrong, or a case that is an error, is answered
/// with it, and the exit code is then 1.
Result<int> eval_score(App& app, const EvalScoreOptions& options);

struct EvalClassicOptions {
  std::string file;                                      ///< CSV with a header.
  std::string label, prediction, score, group, cluster;  ///< Columns; empty: there is none.
  std::string positive;                                  ///< A class; empty: the usual one of two.
  std::string task = "auto";                             ///< auto, classification, regression
  double score_threshold = 0.5;
  int bins = 10;
  int resamples = 2000;
  int seed = 1;
};
Result<int> eval_classic(App& app, const EvalClassicOptions& options);

struct EvalMetricsOptions {
  std::string show;  ///< A metric's name; empty: all are listed.
};
Result<int> eval_metrics(App& app, const EvalMetricsOptions& options);

/// Of `eval run`, `eval gate` and `eval baseline`; empty: not asked for.
struct EvalRunOptions {
  std::string suite;
  std::string baseline;  ///< Result file; empty: the suite's.
  std::string output, junit, html, details;
  std::string format = "table";  ///< table, json, github
  std::size_t jobs = 0;          ///< Cases at once; 0: as many as pays.
  bool accept_changes = false;
  bool fresh = false;     ///< Forget what an interrupted run has done.
  bool no_cache = false;  ///< Ask the judge again what it has said before.
};
/// Exit code 0: all thresholds and the gate hold; 1: not; 2: a wrong suite, a missing file.
Result<int> eval_run(App& app, const EvalRunOptions& options);
/// The same; without a baseline it is wrong use.
Result<int> eval_gate(App& app, const EvalRunOptions& options);
/// Runs and writes the result as the baseline.
Result<int> eval_baseline(App& app, const EvalRunOptions& options);

/// Of results that are there.
struct EvalReportOptions {
  std::string result;    ///< The candidate.
  std::string baseline;  ///< Empty: none.
  std::string suite;     ///< For its thresholds and margins; empty: what the result tells.
  std::string details;   ///< As `eval run --details` wrote them.
  std::string junit, html;
  std::string format = "table";
  bool accept_changes = false;
};
Result<int> eval_compare(App& app, const EvalReportOptions& options);
Result<int> eval_report(App& app, const EvalReportOptions& options);

/// Where labels have cases instead of verdicts, the judge is run on them.
struct EvalAuditOptions {
  std::string file;  ///< Labels, one a line; "-": standard input.
  double threshold = 0.5;
  std::uint64_t seed = 1;
  int resamples = 2000;
  std::string metric, mode;          ///< Of a run; `mode` empty: native, or local without a judge.
  std::vector<std::string> options;  ///< Of the metric: "form=not_contradicted".
  std::string judge;                 ///< A model's name.
  std::string prompts;               ///< A folder; empty: our own.
  std::string embedder;              ///< As of `EvalScoreOptions`.
  int repeats = 0;                   ///< How often each case is judged once more.
  bool swap = false;                 ///< Judge once more with the passages in reverse.
  bool no_cache = false;
  std::optional<std::int64_t> budget_calls;
  std::optional<double> budget_usd;
  std::optional<int> max_tokens;  ///< Of one reply of the judge.
};
Result<int> eval_audit(App& app, const EvalAuditOptions& options);

struct EvalPromptsOptions {
  std::string name;    ///< Empty: all.
  std::string folder;  ///< Prompts that override ours; empty: none.
};
Result<int> eval_prompts_list(App& app, const EvalPromptsOptions& options);
Result<int> eval_prompts_show(App& app, const EvalPromptsOptions& options);
/// What the folder changes, line by line. Exit code 1 where it changes anything.
Result<int> eval_prompts_diff(App& app, const EvalPromptsOptions& options);

}  // namespace slipway::app
