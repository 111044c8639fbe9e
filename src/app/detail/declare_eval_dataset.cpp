// `slipway eval dataset` and `slipway eval sweep`.
#include "app/detail/declarations.hpp"
#include "app/eval_dataset_commands.hpp"
#include "app/eval_sweep_commands.hpp"

namespace slipway::app::detail {

namespace {

constexpr const char* source_help = "A dataset, as NAME or NAME@VERSION, or a file";

void add_output(CLI::App& app, std::string& output, const std::string& description) {
  app.add_option("-o,--output", output, description)->type_name("FILE");
}

}  // namespace

void Declarations::declare_eval_dataset(CLI::App& eval) {
  CLI::App& group = add(eval, "dataset", "Goldens in datasets and files, with versions");
  group.require_subcommand(1);
  finish(group,
         "  slipway eval dataset add handbook goldens.jsonl\n"
         "  slipway eval dataset export handbook@release --format ragas -o handbook.jsonl");
  declare_eval_dataset_changes(group);
  declare_eval_dataset_makers(group);

  CLI::App& list = add(group, "list", "All datasets with their versions");
  runs<EvalDatasetOptions>(list, &eval_dataset_list);
  finish(list, "  slipway eval dataset list");

  CLI::App& show = add(group, "show", "One dataset: version, aliases, its first goldens");
  auto s = runs<EvalDatasetOptions>(show, &eval_dataset_show);
  add_argument(show, "NAME", s->words, "NAME or NAME@VERSION")->required()->expected(1);
  show.add_option("--id", s->id, "Show this golden whole")->type_name("ID");
  add_number(show, "-n,--limit", s->limit, {0, 1000}, "How many goldens; default 10");
  finish(show, "  slipway eval dataset show handbook@release");

  CLI::App& diff = add(group, "diff", "What changed between two versions, or two files");
  auto d = runs<EvalDatasetOptions>(diff, &eval_dataset_diff);
  add_argument(diff, "FROM TO", d->words, source_help)->required()->expected(1, 2);
  finish(diff,
         "  slipway eval dataset diff handbook@release handbook\n"
         "  slipway eval dataset diff old.jsonl new.jsonl --json");

  CLI::App& out = add(group, "export", "Write a dataset as a file of ours or of another tool");
  auto e = runs<EvalDatasetOptions>(out, &eval_dataset_export);
  add_argument(out, "NAME", e->words, source_help)->required()->expected(1);
  add_choice(out, "--format", e->format, {"jsonl", "json", "csv", "deepeval", "ragas", "langsmith"},
             "How; the file's ending says lines, list or table");
  add_output(out, e->output, "Write this file instead of standard output");
  finish(out, "  slipway eval dataset export handbook --format deepeval -o goldens.csv");
}

void Declarations::declare_eval_sweep(CLI::App& group) {
  CLI::App& app =
      add(group, "sweep", "Which splitter, embedder and search serve a collection best");
  auto options = runs<EvalSweepOptions>(app, &eval_sweep);
  add_argument(app, "SUITE", options->suite, "A suite with target: {rag: ...} and sweep:")
      ->required();
  add_output(app, options->output, "Write the report as JSON");
  app.add_flag("--apply", options->apply, "Build the winner as the collection's next version");
  finish(app,
         "  slipway eval sweep eval/tune.yaml\n"
         "  slipway eval sweep eval/tune.yaml --apply");
}

void Declarations::declare_eval_dataset_changes(CLI::App& group) {
  const std::vector<std::string> formats{"native",    "deepeval",  "ragas",
                                         "langsmith", "promptfoo", "squad"};
  CLI::App& more = add(group, "add", "Add the goldens of files; the same id replaces");
  auto a = runs<EvalDatasetOptions>(more, &eval_dataset_add);
  add_argument(more, "NAME FILE", a->words, "The dataset, then files of goldens")->required();
  more.add_option("--name", a->name, "The dataset, instead of the first word")->type_name("NAME");
  add_choice(more, "--format", a->format, formats, "Whose files; recognized where it is not told");
  more.add_flag("--replace", a->replace, "Remove goldens that are not in the files");
  more.add_option("--alias", a->alias, "Name the new version")->type_name("WORD");
  finish(more, "  slipway eval dataset add handbook goldens.jsonl --alias release");

  CLI::App& in = add(group, "import", "Read files of deepeval, RAGAS, LangSmith, promptfoo, SQuAD");
  auto i = runs<EvalDatasetOptions>(in, &eval_dataset_import);
  add_argument(in, "FILE", i->words, "Files")->required();
  in.add_option("--name", i->name, "Put them into this dataset; else they are printed as goldens")
      ->type_name("NAME");
  add_choice(in, "--format", i->format, formats, "Whose files; recognized where it is not told");
  in.add_flag("--replace", i->replace, "Remove goldens that are not in the files");
  in.add_option("--alias", i->alias, "Name the new version")->type_name("WORD");
  add_output(in, i->output, "Write this file instead of standard output");
  finish(in,
         "  slipway eval dataset import promptfooconfig.yaml -o goldens.jsonl\n"
         "  slipway eval dataset import ragas.csv --name handbook");

  CLI::App& alias = add(group, "alias", "Name a version, or move its name");
  auto n = runs<EvalDatasetOptions>(alias, &eval_dataset_alias);
  add_argument(alias, "NAME ALIAS", n->words, "NAME or NAME@VERSION, and its new name")
      ->required()
      ->expected(2);
  finish(alias, "  slipway eval dataset alias handbook@sha256:1f2e3d4c release");

  CLI::App& answer = add(group, "answer", "Say what the answer to a golden should be");
  auto w = runs<EvalDatasetOptions>(answer, &eval_dataset_answer);
  answer.add_option("--id", w->id, "Which golden")->type_name("ID")->required();
  add_argument(answer, "NAME ANSWER", w->words, "The dataset, and the answer")
      ->required()
      ->expected(2);
  finish(answer, "  slipway eval dataset answer regressions --id 5d41402abc4b2a76 \"30 days\"");
}

void Declarations::declare_eval_dataset_makers(CLI::App& group) {
  CLI::App& traces = add(group, "from-traces", "Make goldens of traces, one of each");
  auto t = runs<EvalTracesOptions>(traces, &eval_dataset_from_traces);
  add_argument(traces, "NAME", t->words, "The dataset; else goldens are printed")->expected(0, 1);
  traces.add_option("--name", t->name, "The dataset, too")->type_name("NAME");
  traces.add_option("--filter", t->filter, "Which, as /api/traces takes it")->type_name("JSON");
  traces.add_option("--project", t->project, "Of this project")->type_name("NAME");
  traces.add_option("--from", t->from, "Begun then or later")->type_name("TIME");
  traces.add_option("--to", t->to, "Begun before")->type_name("TIME");
  traces.add_option("--search", t->text, "With these words")->type_name("TEXT");
  traces.add_option("--sample", t->sample, "So many of them, by chance")->type_name("N");
  traces.add_option("--seed", t->seed, "Of the chance; default 1")->type_name("N");
  traces.add_flag("--failed", t->failed,
                  "Only those that failed, as critical goldens: errors, bad scores, corrections");
  traces.add_flag("--redact", t->redact, "Mask personal data, and what traces.mask names");
  traces.add_option("--url", t->url, "Ask this server, and add to its dataset")->type_name("URL");
  traces
      .add_option("--key", t->key,
                  "Its API key, as env:NAME or file:PATH; default $SLIPWAY_API_KEY")
      ->type_name("REF");
  add_output(traces, t->output, "Write this file instead of standard output");
  finish(traces,
         "  slipway eval dataset from-traces regressions --failed --redact\n"
         "  slipway eval dataset from-traces handbook --filter '{\"status\":\"ok\"}' --sample 50");

  CLI::App& make = add(group, "synthesize", "Make questions out of a collection's documents");
  auto y = runs<EvalSynthesizeOptions>(make, &eval_dataset_synthesize);
  add_argument(make, "COLLECTION", y->collection, "Whose documents")->required();
  make.add_option("--name", y->name, "Put them into this dataset; else they are printed")
      ->type_name("NAME");
  make.add_option("--model", y->model, "Let this chat model write them; else rules do")
      ->type_name("MODEL");
  add_number(make, "-n,--limit", y->limit, {1, 100'000}, "At most so many; default 200");
  add_number(make, "--per-document", y->per_document, {1, 1000}, "Of one document; default 5");
  make.add_option("--seed", y->seed, "Of the choice; default 1")->type_name("N");
  add_output(make, y->output, "Write this file instead of standard output");
  finish(make,
         "  slipway eval dataset synthesize handbook --name handbook-synthetic\n"
         "  slipway eval dataset synthesize handbook --model llama -n 50 -o goldens.jsonl");
}

}  // namespace slipway::app::detail
