// Every command and option is declared once, in the files declare_*.cpp; help, checks and
// completion scripts come from these declarations.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/command_line.hpp"
#include "app/commands.hpp"
#include "app/detail/usage_errors.hpp"
#include "app/detail/usage_formatter.hpp"
#include "app/version.hpp"

namespace slipway::app::detail {

inline constexpr const char* global_group = "Global options";

/// Declares the commands on `root`; a parsed one leaves itself in `line`.
class Declarations {
 public:
  Declarations(CLI::App& root, CommandLine& line) : root_(root), line_(line) {
    root.require_subcommand(1);
    root.formatter(std::make_shared<UsageFormatter>());  // Commands inherit it.
    root.set_version_flag("--version", "slipway " + std::string(version_number),
                          "Print the version and exit");
    finish(root,
           "  slipway ingest docs/\n"
           "  slipway ask \"How long are traces kept?\"\n"
           "  slipway serve\n"
           "  slipway eval run examples/eval/handbook.yaml\n"
           "  slipway agent run research.yaml --input '{\"question\": \"Why?\"}'");
    declare_ingest();
    declare_search();
    declare_ask();
    declare_serve();
    declare_traces();
    declare_eval();
    declare_agent();
    declare_mcp();
    declare_keys();
    declare_sources();
    declare_collections();
    declare_documents();
    declare_versions();
    declare_index();
    declare_models();
    declare_config();
    declare_doctor();
    declare_completion();
  }

 private:
  CLI::App& add(CLI::App& parent, const std::string& name, const std::string& description) {
    return *parent.add_subcommand(name, description);
  }

  CLI::App& add_group(const std::string& name, const std::string& description,
                      const std::string& examples) {
    CLI::App& group = add(root_, name, description);
    group.require_subcommand(1);
    finish(group, examples);
    return group;
  }

  /// Global options last, so that help shows a command's own first.
  void finish(CLI::App& app, const std::string& examples) {
    app.set_help_flag("-h,--help", "Print this help and exit")->group(global_group);
    app.add_option("--data", line_.global.data, "Folder of database and blobs; default .slipway")
        ->type_name("DIR")
        ->group(global_group);
    app.add_option("--config", line_.global.config,
                   "Configuration file; default slipway.yaml if it is there")
        ->type_name("FILE")
        ->group(global_group);
    app.add_flag("--json", line_.global.json, "Print the result as JSON")->group(global_group);
    add_choice(app, "--log-level", line_.global.log_level,
               {"debug", "info", "warning", "error", "off"}, "What to log on stderr");
    app.get_option("--log-level")->group(global_group);
    app.add_flag("--quiet", line_.global.quiet, "No progress and no notes on stderr")
        ->group(global_group);
    app.footer("Examples:\n" + examples);
  }

  /// The options of a leaf command, and what runs it.
  template <typename Options, typename Run>
  std::shared_ptr<Options> runs(CLI::App& app, Run run) {
    auto options = std::make_shared<Options>();
    app.callback([this, &app, options, run] {
      line_.command = full_name(app);
      line_.run = [options, run](App& wired) { return run(wired, *options); };
    });
    return options;
  }

  template <typename Run>
  void runs_alone(CLI::App& app, Run run) {
    struct None {};
    runs<None>(app, [run](App& wired, const None&) { return run(wired); });
  }

  static void add_collection(CLI::App& app, std::string& collection) {
    app.add_option("-c,--collection", collection, "Collection; else the configured default")
        ->type_name("NAME");
  }

  /// Repeatable, one value each: `--metadata a=1 --metadata b=2 docs/`.
  static CLI::Option* add_list(CLI::App& app, const std::string& name,
                               std::vector<std::string>& values, const std::string& description) {
    return app.add_option(name, values, description)->allow_extra_args(false);
  }

  /// One of a few words. Help shows them in the description instead of CLI11's MODE:{a,b}=a.
  static void add_choice(CLI::App& app, const std::string& name, std::string& value,
                         const std::vector<std::string>& choices, const std::string& description) {
    const std::string initial = value.empty() ? "" : fmt::format("; default {}", value);
    app.add_option(name, value,
                   fmt::format("{}: {}{}", description, fmt::join(choices, ", "), initial))
        ->check(CLI::IsMember(choices))
        ->option_text("WORD");
  }

  template <typename Number>
  static void add_number(CLI::App& app, const std::string& name, Number& value,
                         std::pair<int, int> range, const std::string& description) {
    app.add_option(name, value, description)
        ->check(CLI::Range(range.first, range.second))
        ->option_text("N");
  }

  /// What stands without a dash, named as in the usage line.
  template <typename Value>
  static CLI::Option* add_argument(CLI::App& app, const std::string& name, Value& value,
                                   const std::string& description) {
    return app.add_option(name, value, description)->type_name("");
  }

  static void add_version(CLI::App& app, std::string& version) {
    app.add_option("--version", version, "Search this version: a number or a snapshot's name")
        ->type_name("VERSION");
  }
  static void add_rerank(CLI::App& app, bool& rerank, std::string& reranker) {
    app.add_flag("--rerank", rerank, "Let the collection's reranker order what is found");
    app.add_option("--reranker", reranker, "Rerank with this model instead")->type_name("MODEL");
  }

  void declare_serve();
  void declare_keys();
  void declare_traces();
  void declare_eval();
  void declare_eval_run(CLI::App& group);
  void declare_eval_compare(CLI::App& group);
  void declare_eval_stats(CLI::App& group);
  void declare_eval_metrics(CLI::App& group);
  void declare_eval_dataset(CLI::App& eval);
  void declare_eval_dataset_changes(CLI::App& group);
  void declare_eval_dataset_makers(CLI::App& group);
  void declare_eval_sweep(CLI::App& group);
  void declare_eval_classic(CLI::App& group);
  void declare_eval_audit(CLI::App& group);
  void declare_eval_prompts(CLI::App& group);
  void declare_agent();
  void declare_agent_threads(CLI::App& group);
  void declare_mcp();
  void declare_ingest();
  void declare_sources();
  void declare_search();
  void declare_ask();
  void declare_collections();
  void declare_versions();
  void declare_index();
  void declare_documents();
  void declare_models();
  void declare_config();
  void declare_doctor();
  void declare_completion();

  CLI::App& root_;
  CommandLine& line_;
};

}  // namespace slipway::app::detail
