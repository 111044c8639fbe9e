// `slipway eval`.
#include "app/detail/declarations.hpp"
#include "app/eval_commands.hpp"

namespace slipway::app::detail {

void Declarations::declare_eval() {
  CLI::App& group =
      add_group("eval", "Measure answers, compare runs, gate changes",
                "  slipway eval run eval/handbook.yaml\n"
                "  slipway eval gate eval/handbook.yaml --baseline eval/baseline.json");
  declare_eval_run(group);
  declare_eval_compare(group);
  declare_eval_metrics(group);
  declare_eval_stats(group);
  declare_eval_dataset(group);
  declare_eval_audit(group);
  declare_eval_prompts(group);
  declare_eval_sweep(group);
}

void Declarations::declare_eval_metrics(CLI::App& group) {
  {
    CLI::App& app = add(group, "score", "Scores by name: one JSON request a line, one answer");
    auto options = runs<EvalScoreOptions>(app, &eval_score);
    add_argument(app, "FILE", options->file, "Requests; - is standard input")->required();
    app.add_option("--replies", options->replies,
                   "Scripted replies of a judge, for requests that bring none")
        ->type_name("FILE");
    app.add_option("--judge", options->judge, "The chat model that judges, for the same requests")
        ->type_name("MODEL")
        ->excludes("--replies");
    app.add_flag("--no-cache", options->no_cache, "Ask the model anew");
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
  declare_eval_classic(group);
}

void Declarations::declare_eval_classic(CLI::App& group) {
  CLI::App& app =
      add(group, "classic", "Predictions beside labels: metrics, calibration, fairness");
  auto options = runs<EvalClassicOptions>(app, &eval_classic);
  add_argument(app, "FILE", options->file, "CSV; the first line names the columns")->required();
  const auto column = [&app](const std::string& name, std::string& value,
                             const std::string& description) {
    return app.add_option(name, value, description)->type_name("COLUMN");
  };
  column("--label", options->label, "What is true")->required();
  column("--prediction", options->prediction, "What was predicted");
  column("--score", options->score, "Probability of the positive class");
  column("--group", options->group, "Groups that should fare alike");
  column("--cluster", options->cluster, "Rows that belong together, for the intervals");
  app.add_option("--positive", options->positive, "The positive class; default: the usual of two")
      ->type_name("CLASS");
  add_choice(app, "--task", options->task, {"auto", "classification", "regression"},
             "What labels are");
  app.add_option("--score-threshold", options->score_threshold,
                 "Without --prediction: from which score on it is positive; default 0.5")
      ->check(CLI::Range(0.0, 1.0))
      ->option_text("SHARE");
  add_number(app, "--bins", options->bins, {1, 1000}, "Bins of calibration; default 10");
  add_number(app, "--resamples", options->resamples, {10, 100000},
             "Of the bootstrap; default 2000");
  add_number(app, "--seed", options->seed, {0, 2147483647}, "Of the bootstrap; default 1");
  finish(app,
         "  slipway eval classic loans.csv --label repaid --prediction predicted --score p\n"
         "  slipway eval classic loans.csv --label repaid --prediction predicted --group region");
}

void Declarations::declare_eval_stats(CLI::App& group) {
  CLI::App& app = add(group, "stats", "Statistics by name: one JSON request a line, one reply");
  auto options = runs<EvalStatsOptions>(app, &eval_stats);
  add_argument(app, "FILE", options->file, "Requests; - is standard input")->required();
  finish(
      app,
      "  echo '{\"stat\":\"wilson\",\"args\":{\"successes\":8,\"n\":10}}' | slipway eval stats -");
}

void Declarations::declare_eval_audit(CLI::App& group) {
  CLI::App& app = add(group, "audit", "How far a judge can be trusted, beside labels of people");
  auto options = runs<EvalAuditOptions>(app, &eval_audit);
  add_argument(
      app, "LABELS", options->file,
      "Lines {\"id\",\"human\":0|1,\"judge\":score} or {\"human\",\"case\"}; - is standard input")
      ->required();
  app.add_option("--threshold", options->threshold, "A score passes from here on; default 0.5")
      ->type_name("SCORE");
  app.add_option("--seed", options->seed, "Of the resampling; default 1")->type_name("N");
  add_number(app, "--resamples", options->resamples, {1, 1'000'000},
             "Resamples of an interval; default 2000");
  app.add_option("--metric", options->metric, "Run this metric on the cases of the labels")
      ->type_name("NAME");
  add_choice(app, "--mode", options->mode, {"native", "local", "deepeval", "ragas"},
             "Of the metric");
  add_list(app, "--option", options->options, "Of the metric: form=not_contradicted; repeatable")
      ->type_name("KEY=VALUE");
  app.add_option("--judge", options->judge, "The chat model that judges")->type_name("MODEL");
  app.add_option("--prompts", options->prompts, "A folder of prompts instead of ours")
      ->type_name("DIR");
  app.add_option("--embedder", options->embedder,
                 "For local evidence; none: by words alone; default: the configured one")
      ->type_name("NAME");
  add_number(app, "--repeats", options->repeats, {0, 100}, "Judge each case so often once more");
  app.add_flag("--swap", options->swap, "Judge once more with the passages in reverse order");
  app.add_flag("--no-cache", options->no_cache, "Ask the model anew");
  app.add_option("--budget-calls", options->budget_calls, "Calls of the model at most")
      ->type_name("N");
  app.add_option("--budget-usd", options->budget_usd, "Dollars at most")->type_name("USD");
  app.add_option("--max-tokens", options->max_tokens,
                 "Of one reply; small models may never end; default 2048")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  finish(app,
         "  slipway eval audit labels.jsonl\n"
         "  slipway eval audit cases.jsonl --metric faithfulness --judge smollm2-135m-instruct "
         "--repeats 2 --swap");
}

void Declarations::declare_eval_prompts(CLI::App& group) {
  CLI::App& prompts = add(group, "prompts", "What a model is asked when it judges");
  prompts.require_subcommand(1);
  finish(prompts,
         "  slipway eval prompts list\n  slipway eval prompts show "
         "faithfulness.native.claims");
  const auto add_folder = [](CLI::App& app, EvalPromptsOptions& options) {
    return app.add_option("--prompts", options.folder, "A folder of prompts that override ours")
        ->type_name("DIR");
  };
  {
    CLI::App& app = add(prompts, "list", "Names, versions and hashes");
    add_folder(app, *runs<EvalPromptsOptions>(app, &eval_prompts_list));
    finish(app, "  slipway eval prompts list --prompts eval/prompts");
  }
  {
    CLI::App& app = add(prompts, "show", "The file of a prompt");
    auto options = runs<EvalPromptsOptions>(app, &eval_prompts_show);
    add_argument(app, "NAME", options->name, "As in the list")->required();
    add_folder(app, *options);
    finish(app, "  slipway eval prompts show g_eval.native.score");
  }
  {
    CLI::App& app = add(prompts, "diff", "What a folder changes, line by line");
    auto options = runs<EvalPromptsOptions>(app, &eval_prompts_diff);
    add_argument(app, "NAME", options->name, "One prompt; default: all");
    add_folder(app, *options)->required();
    finish(app, "  slipway eval prompts diff --prompts eval/prompts");
  }
}

}  // namespace slipway::app::detail
