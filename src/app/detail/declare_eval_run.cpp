// `slipway eval run`, `gate`, `baseline`, `compare` and `report`.
#include "app/detail/declarations.hpp"
#include "app/eval_commands.hpp"

namespace slipway::app::detail {

namespace {

const std::vector<std::string> formats = {"table", "json", "github"};

void add_run_options(CLI::App& app, EvalRunOptions& options) {
  app.add_option("--jobs", options.jobs, "Cases at once; default: one per core, 8 that wait")
      ->check(CLI::Range(1, 256))
      ->option_text("N");
  app.add_flag("--fresh", options.fresh, "Begin anew after an interruption");
  app.add_flag("--no-cache", options.no_cache, "Ask the judge again what it has said before");
}

void add_report_files(CLI::App& app, std::string& junit, std::string& html) {
  app.add_option("--junit", junit, "Write JUnit XML")->type_name("FILE");
  app.add_option("--html", html, "Write a page with every item")->type_name("FILE");
}

}  // namespace

void Declarations::declare_eval_run(CLI::App& group) {
  const auto declare = [&](const char* name, const char* description, auto run,
                           const char* example) {
    CLI::App& app = add(group, name, description);
    auto options = runs<EvalRunOptions>(app, run);
    add_argument(app, "SUITE", options->suite, "A suite in YAML")->required();
    app.add_option("--baseline", options->baseline,
                   "Compare with this result; default: the suite's")
        ->type_name("FILE");
    app.add_flag("--accept-changes", options->accept_changes,
                 "A changed dataset, metric or judge is told and does not fail");
    app.add_option("--output", options->output, "Write the result as JSON")->type_name("FILE");
    add_report_files(app, options->junit, options->html);
    app.add_option("--details", options->details, "Write texts and reasons, a line an item")
        ->type_name("FILE");
    add_choice(app, "--format", options->format, formats, "What to print");
    add_run_options(app, *options);
    finish(app, example);
  };
  declare("run", "Run a suite; exit code 1 where a threshold or the gate does not hold", &eval_run,
          "  slipway eval run eval/handbook.yaml\n"
          "  slipway eval run eval/handbook.yaml --html report.html --output result.json");
  declare("gate", "Run a suite and compare it with a baseline", &eval_gate,
          "  slipway eval gate eval/handbook.yaml --baseline eval/baseline.json --junit eval.xml "
          "--format github");

  CLI::App& app = add(group, "baseline", "Run a suite and keep the result to compare with");
  auto options = runs<EvalRunOptions>(app, &eval_baseline);
  add_argument(app, "SUITE", options->suite, "A suite in YAML")->required();
  app.add_option("--output", options->output, "Where to")->type_name("FILE")->required();
  add_run_options(app, *options);
  finish(app, "  slipway eval baseline eval/handbook.yaml --output eval/baseline.json");
}

void Declarations::declare_eval_compare(CLI::App& group) {
  CLI::App& app = add(group, "compare", "Compare two results, item by item; exit code as gate");
  auto c = runs<EvalReportOptions>(app, &eval_compare);
  add_argument(app, "BASELINE", c->baseline, "A result")->required();
  add_argument(app, "CANDIDATE", c->result, "Another one")->required();
  app.add_option("--suite", c->suite, "With the thresholds and margins of this suite")
      ->type_name("FILE");
  app.add_flag("--accept-changes", c->accept_changes,
               "A changed dataset, metric or judge is told and does not fail");
  add_report_files(app, c->junit, c->html);
  add_choice(app, "--format", c->format, formats, "What to print");
  finish(app, "  slipway eval compare before.json after.json --html comparison.html");

  CLI::App& report = add(group, "report", "Write reports of a result that is there");
  auto r = runs<EvalReportOptions>(report, &eval_report);
  add_argument(report, "RESULT", r->result, "A result")->required();
  report.add_option("--baseline", r->baseline, "Compare with this result")->type_name("FILE");
  report.add_option("--suite", r->suite, "With the thresholds and margins of this suite")
      ->type_name("FILE");
  report.add_option("--details", r->details, "Texts and reasons, from eval run --details")
      ->type_name("FILE");
  add_report_files(report, r->junit, r->html);
  add_choice(report, "--format", r->format, formats, "What to print");
  finish(report, "  slipway eval report result.json --details details.jsonl --html report.html");
}

}  // namespace slipway::app::detail
