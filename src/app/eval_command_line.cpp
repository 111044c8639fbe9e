// `slipway eval`.
#include "app/detail/declarations.hpp"
#include "app/eval_commands.hpp"

namespace slipway::app::detail {

void Declarations::declare_eval() {
  CLI::App& group = add_group("eval", "Measure answers, compare runs, gate changes",
                              "  slipway eval stats requests.jsonl");
  declare_eval_metrics(group);
  declare_eval_stats(group);
  declare_eval_dataset(group);
}

void Declarations::declare_eval_metrics(CLI::App& group) {
  {
    CLI::App& app = add(group, "score", "Scores by name: one JSON request a line, one answer");
    auto options = runs<EvalScoreOptions>(app, &eval_score);
    add_argument(app, "FILE", options->file, "Requests; - is standard input")->required();
    app.add_option("--replies", options->replies,
                   "Scripted replies of a judge, for requests that bring none")
        ->type_name("FILE");
    app.add_option("--embedder", options->embedder,
                   "For local evidence; none: by words alone; default: the configured one")
        ->type_name("NAME");
    finish(app,
           "  echo '{\"metric\":{\"name\":\"exact_match\"},\"case\":{\"input\":\"q\","
           "\"actual_output\":\"A\",\"expected_output\":\"a\"}}' | slipway eval score -");
  }
  {
    CLI::App& app = add(group, "metrics", "List metrics, or show how one is computed");
    auto options = runs<EvalMetricsOptions>(app, &eval_metrics);
    app.add_option("--show", options->show, "One metric: formulas, needs, options, source")
        ->type_name("NAME");
    finish(app, "  slipway eval metrics\n  slipway eval metrics --show faithfulness");
  }
}

void Declarations::declare_eval_stats(CLI::App& group) {
  CLI::App& app = add(group, "stats", "Statistics by name: one JSON request a line, one reply");
  auto options = runs<EvalStatsOptions>(app, &eval_stats);
  add_argument(app, "FILE", options->file, "Requests; - is standard input")->required();
  finish(
      app,
      "  echo '{\"stat\":\"wilson\",\"args\":{\"successes\":8,\"n\":10}}' | slipway eval stats -");
}

}  // namespace slipway::app::detail
