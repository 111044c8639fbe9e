// `slipway eval dataset from-traces`: goldens made of what was asked and answered.
#include "app/detail/dataset_door.hpp"
#include "app/detail/server_door.hpp"
#include "app/eval_dataset_commands.hpp"
#include "core/files.hpp"
#include "eval/golden_files.hpp"
#include "eval/trace_golden_wish.hpp"

namespace slipway::app {

namespace {

Result<eval::TraceGoldensWish> wish_of(const EvalTracesOptions& options) {
  eval::TraceGoldensWish wish;
  const auto take = [](std::optional<std::string>& member, const std::string& text) {
    if (!text.empty()) member = text;
  };
  take(wish.dataset, options.words.empty() ? options.name : options.words.front());
  take(wish.project, options.project);
  take(wish.from, options.from);
  take(wish.to, options.to);
  take(wish.q, options.text);
  if (!options.filter.empty())
    wish.filter = TRY(json::from<json::Object>(TRY(json::parse(options.filter).within("--filter")))
                          .within("--filter"));
  if (options.sample) wish.sample = static_cast<std::int64_t>(*options.sample);
  wish.seed = static_cast<std::int64_t>(options.seed);
  wish.failed = options.failed;
  wish.redact = options.redact;
  TRY(eval::check(wish));
  return wish;
}

Result<eval::TraceGoldensReport> take_here(App& app, const eval::TraceGoldensWish& wish) {
  const auto traces = TRY(detail::open_trace_store(app));
  trace::Feedbacks feedbacks(*TRY(app.database(DataFolder::must_exist)));
  const auto door = TRY(detail::DatasetDoor::open(app, DataFolder::must_exist));
  const auto& mask = TRY(app.config())->config.traces.mask;
  return eval::take_trace_goldens(
      app.context(),
      {.store = *traces, .feedbacks = feedbacks, .datasets = door->datasets(), .mask = mask}, wish);
}

Result<eval::TraceGoldensReport> take_there(App& app, const EvalTracesOptions& options,
                                            const eval::TraceGoldensWish& wish) {
  const detail::ServerDoor server = TRY(detail::ServerDoor::open(options.url, options.key));
  const std::string reply =
      TRY(server.post(app.context(), "/api/goldens/from-traces", json::dump(json::to(wish))));
  return json::from<eval::TraceGoldensReport>(TRY(json::parse(reply)));
}

Result<void> print_goldens(App& app, const EvalTracesOptions& options,
                           const eval::TraceGoldensReport& report) {
  std::string text;
  for (const json::Object& golden : report.goldens) text += json::dump(golden) + '\n';
  if (options.output.empty())
    app.print(text);
  else
    TRY(write_file_atomically(options.output, text));
  app.note(fmt::format("{} of {} traces", report.taken, report.matched));
  return {};
}

}  // namespace

Result<int> eval_dataset_from_traces(App& app, const EvalTracesOptions& options) {
  const auto wish = wish_of(options);
  if (!wish) return app.wrong_use(wish.error());
  if (options.sample && options.failed)
    app.note("--sample leaves out no trace that failed: all of them are taken");
  const eval::TraceGoldensReport report =
      TRY(options.url.empty() ? take_here(app, *wish) : take_there(app, options, *wish));
  if (!report.dataset) {
    TRY(print_goldens(app, options, report));
    return exit_done;
  }
  if (app.options().json) {
    json::Object object = json::to(report).get_object();
    object.erase("goldens");
    app.print_json(object);
    return exit_done;
  }
  app.print(
      fmt::format("{}: {} of {} traces taken, {} added, {} answered, {} there already; {} "
                  "goldens, {}\n",
                  *report.dataset, report.taken, report.matched, report.added, report.answered,
                  report.known, report.size, report.digest));
  return exit_done;
}

}  // namespace slipway::app
