// `slipway traces`.
#include "app/detail/declarations.hpp"

namespace slipway::app::detail {

namespace {

void add_place(CLI::App& app, TracesOptions& options) {
  app.add_option("--url", options.url, "Ask this server instead of reading the data folder")
      ->type_name("URL");
  app.add_option("--key", options.key,
                 "Its API key, as env:NAME or file:PATH; default $SLIPWAY_API_KEY")
      ->type_name("REF");
}

void add_conditions(CLI::App& app, TracesOptions& options) {
  app.add_option("--project", options.project, "Of this project")->type_name("NAME");
  app.add_option("--kind", options.kind, "With a run of this kind: llm, retriever, tool ...")
      ->type_name("WORD");
  app.add_option("--model", options.model, "That used this model")->type_name("NAME");
  app.add_option("--user", options.user, "Of this user")->type_name("ID");
  app.add_option("--session", options.session, "Of this session")->type_name("ID");
  app.add_option("--from", options.from, "Begun then or later: 2026-11-28T08:00:00Z")
      ->type_name("TIME");
  app.add_option("--to", options.to, "Begun before")->type_name("TIME");
  app.add_option("--search", options.text, "With these words, or a \"phrase\"")->type_name("TEXT");
  app.add_option("--filter", options.filter, "A filter as /api/traces takes it")->type_name("JSON");
}

}  // namespace

void Declarations::declare_traces() {
  CLI::App& group =
      add_group("traces", "List, show and export what was called, and what it cost",
                "  slipway traces list\n  slipway traces show 0af7651916cd43dd8448eb211c80319c");
  CLI::App& list = add(group, "list", "Traces, newest first");
  auto l = runs<TracesOptions>(list, &traces_list);
  add_conditions(list, *l);
  add_choice(list, "--status", l->status, {"ok", "error", "pending"}, "How they ended");
  list.add_option("--sort", l->sort, "latency_ms, cost_usd, total_tokens, -latency_ms ...")
      ->type_name("FIELD");
  add_number(list, "-n,--limit", l->limit, {1, 1000}, "How many; default 20");
  list.add_option("--cursor", l->cursor, "Go on from here")->type_name("CURSOR");
  add_place(list, *l);
  finish(list,
         "  slipway traces list --status error --search refund\n"
         "  slipway traces list --sort -cost_usd --url http://127.0.0.1:8700");

  CLI::App& show = add(group, "show", "One trace as a tree");
  auto s = runs<TracesOptions>(show, &traces_show);
  add_argument(show, "TRACE", s->id, "Its id")->required();
  add_place(show, *s);
  finish(show, "  slipway traces show 0af7651916cd43dd8448eb211c80319c");

  CLI::App& out =
      add(group, "export", "Runs as lines of JSON, a Parquet file or SQL, all that match");
  auto e = runs<TracesOptions>(out, &traces_export);
  add_conditions(out, *e);
  add_choice(out, "--status", e->status, {"ok", "error", "pending"}, "How they ended");
  out.add_option("--trace", e->id, "Of this trace")->type_name("ID");
  CLI::Option* parquet =
      out.add_option("--parquet", e->parquet, "Write this Parquet file instead of lines of JSON")
          ->type_name("FILE");
  out.add_option("--sql", e->sql,
                 "Write this file for PostgreSQL's psql: fills the table slipway_runs")
      ->type_name("FILE")
      ->excludes(parquet);
  add_place(out, *e);
  finish(
      out,
      "  slipway traces export --project shop --from 2026-11-01T00:00:00Z >runs.jsonl\n"
      "  slipway traces export --status error --parquet errors.parquet\n"
      "  slipway traces export --sql runs.sql && psql -f runs.sql postgresql://db.example/traces");
}

}  // namespace slipway::app::detail
