// Commands on documents and answers.
#include "app/detail/declarations.hpp"

namespace slipway::app::detail {

void Declarations::declare_ingest() {
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

void Declarations::declare_sources() {
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

void Declarations::declare_search() {
  CLI::App& app = add(root_, "search", "Find the passages that fit a text best");
  auto o = runs<SearchOptions>(app, &search);
  add_argument(app, "TEXT", o->query, "What to look for, in quotes")->required();
  add_collection(app, o->collection);
  add_number(app, "-n,--limit", o->limit, {1, 1000}, "Passages to show, 1 to 1000; default 10");
  add_choice(app, "--mode", o->mode, {"hybrid", "dense", "lexical"},
             "How to compare; default: as the collection says, else hybrid");
  app.add_option("--filter", o->filter, "Only documents whose attributes match")->type_name("JSON");
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

void Declarations::declare_ask() {
  CLI::App& app = add(root_, "ask", "Answer a question from the documents, with citations");
  auto o = runs<AskOptions>(app, &ask);
  add_argument(app, "QUESTION", o->question, "The question, in quotes");
  add_collection(app, o->collection);
  add_choice(app, "--mode", o->mode, {"auto", "generate", "extract"},
             "Whether a model writes or sentences are quoted");
  add_number(app, "-n,--limit", o->limit, {1, 50}, "Passages to read, 1 to 50; default 8");
  app.add_option("--model", o->model, "Chat model; default from the configuration")
      ->type_name("MODEL");
  app.add_option("--filter", o->filter, "Only documents whose attributes match")->type_name("JSON");
  add_rerank(app, o->rerank, o->reranker);
  app.add_option("--budget", o->budget_usd, "Most dollars to spend on this answer")
      ->check(CLI::NonNegativeNumber)
      ->option_text("USD");
  app.add_option("--seed", o->seed, "Seed of the model's choices")->type_name("N");
  add_choice(app, "--unsupported", o->unsupported, {"drop", "mark"},
             "What becomes of sentences that no passage supports");
  add_version(app, o->version);
  app.add_flag("--pin", o->pin, "Keep the version as long as the receipt");
  app.add_option("--prompt", o->prompt, "Prompt of the answer; default from the collection")
      ->type_name("NAME@TAG");
  app.add_option("--replay", o->replay, "Repeat a stored answer and check its citations")
      ->type_name("RECEIPT");
  app.add_flag("--rerun", o->rerun, "With --replay: run the model again too");
  finish(app,
         "  slipway ask \"How long are traces kept?\"\n"
         "  slipway ask \"What does a budget limit?\" -c handbook --mode extract --json\n"
         "  slipway ask --replay rcp_01JD...");
}

void Declarations::declare_collections() {
  CLI::App& group = add_group("collections", "List, show, migrate and delete collections",
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
  migrate.add_option("--gold", m->gold, "Questions with their documents; switch only if it holds")
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

void Declarations::declare_documents() {
  CLI::App& group =
      add_group("documents", "List, read and delete documents",
                "  slipway documents list -c handbook\n  slipway documents text doc_01JD...");
  CLI::App& list = add(group, "list", "The documents of a collection");
  auto o = runs<DocumentsOptions>(list, &documents_list);
  add_collection(list, o->collection);
  add_number(list, "-n,--limit", o->limit, {1, 10'000}, "Documents to show; default 100");
  list.add_option("--cursor", o->cursor, "Go on where an earlier list ended")->type_name("CURSOR");
  finish(list, "  slipway documents list -c handbook --limit 20");

  CLI::App& text = add(group, "text", "The text of a document as it is indexed");
  auto id = runs<std::string>(text, &documents_text);
  add_argument(text, "ID", *id, "Document")->required();
  finish(text, "  slipway documents text doc_01JD...");

  CLI::App& remove = add(group, "delete", "Erase documents from every version");
  auto ids = runs<std::vector<std::string>>(remove, &documents_delete);
  add_argument(remove, "ID", *ids, "Documents")->required();
  finish(remove, "  slipway documents delete doc_01JD...");
}

}  // namespace slipway::app::detail
