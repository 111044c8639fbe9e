// `slipway eval`.
#include "app/detail/declarations.hpp"
#include "app/eval_commands.hpp"

namespace slipway::app::detail {

void Declarations::declare_eval() {
  CLI::App& group = add_group("eval", "Measure answers, compare runs, gate changes",
                              "  slipway eval stats requests.jsonl");
  declare_eval_stats(group);
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
