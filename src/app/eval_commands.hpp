// The commands of `slipway eval`: what each is told, and how it is run. See commands.hpp.
#pragma once

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
  std::string file;      ///< One request a line; "-": standard input.
  std::string replies;   ///< Scripted replies for requests that bring none; empty: there are none.
  std::string embedder;  ///< For local evidence; "none": by words alone; empty: the default one.
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

}  // namespace slipway::app
