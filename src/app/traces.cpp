// `slipway traces`: of a data folder, or of a server that runs.
#include "app/commands.hpp"
#include "app/detail/traces_source.hpp"
#include "app/render_traces.hpp"
#include "core/json_members.hpp"
#include "trace/runs_sql.hpp"
#include "trace/runs_table.hpp"

namespace slipway::app {

Result<int> traces_list(App& app, const TracesOptions& options) {
  auto query = detail::query_of(options);
  if (!query) return app.wrong_use(query.error());
  const auto source = TRY(detail::open_traces(app, options));
  const std::string text = TRY(source->traces(app.context(), *query));
  const json::Value page = TRY(json::parse(text));
  if (app.options().json)
    app.print_json(page);
  else
    app.print(render_traces(page));
  return exit_done;
}

Result<int> traces_show(App& app, const TracesOptions& options) {
  const auto source = TRY(detail::open_traces(app, options));
  const bool with_payload = app.options().json;
  const json::Value trace =
      TRY(json::parse(TRY(source->trace(app.context(), options.id, with_payload))));
  if (app.options().json)
    app.print_json(trace);
  else
    app.print(render_trace(trace, app.out_style()));
  return exit_done;
}

namespace {

/// Page after page, so that memory does not grow with what is exported. Gives how many there were.
Result<std::int64_t> for_each_run(App& app, const TracesOptions& options, detail::TracesQuery query,
                                  const std::function<Result<void>(std::string_view)>& take) {
  const auto source = TRY(detail::open_traces(app, options));
  constexpr int page_size = 200;
  query.limit = page_size;
  std::int64_t count = 0;
  do {
    const std::string text = TRY(source->runs(app.context(), query));
    json::Items items(json::member(text, "items"));
    for (std::string_view run; items.next(run); ++count) TRY(take(run));
    query.cursor = json::unquoted(json::member(text, "next_cursor"));
    TRY(app.context().check());
  } while (!query.cursor.empty() && app.out().has_reader());
  return count;
}

}  // namespace

Result<int> traces_export(App& app, const TracesOptions& options) {
  const auto query = detail::query_of(options);
  if (!query) return app.wrong_use(query.error());
  std::int64_t count = 0;
  const auto fill = [&](auto& table) -> Result<void> {
    count = TRY(
        for_each_run(app, options, *query, [&](std::string_view run) { return table.add(run); }));
    return table.finish();
  };
  if (!options.sql.empty()) {
    TRY(fill(*TRY(trace::RunsSql::create(options.sql))));
  } else if (!options.parquet.empty()) {
    TRY(fill(*TRY(trace::RunsTable::create(options.parquet))));
  } else {
    count = TRY(for_each_run(app, options, *query, [&](std::string_view run) -> Result<void> {
      app.print(std::string(run) + "\n");
      return {};
    }));
  }
  app.note(fmt::format("{} runs", count));
  return exit_done;
}

}  // namespace slipway::app
