// `slipway eval dataset from-traces`: goldens made of what was asked and answered.
#include "app/detail/dataset_door.hpp"
#include "app/eval_dataset_commands.hpp"
#include "core/files.hpp"
#include "eval/golden_files.hpp"
#include "eval/trace_goldens.hpp"
#include "trace/feedback_filter.hpp"
#include "trace/masks.hpp"
#include "trace/recorder.hpp"

namespace slipway::app {

namespace {

Result<trace::Query> query_of(const EvalTracesOptions& options) {
  trace::Query query;
  if (!options.project.empty()) query.project = options.project;
  if (!options.from.empty())
    query.from = trace::nanoseconds(TRY(parse_time(options.from).within("--from")));
  if (!options.to.empty())
    query.to = trace::nanoseconds(TRY(parse_time(options.to).within("--to")));
  if (!options.text.empty()) query.text = trace::parse_text_query(options.text);
  if (!options.filter.empty())
    query.filter = TRY(trace::parse_filter(TRY(json::parse(options.filter).within("--filter")))
                           .within("--filter"));
  return query;
}

/// What the configuration masks, and all kinds of personal data.
Result<std::function<void(trace::RunPatch&)>> redactor(App& app) {
  std::vector<std::string> rules = TRY(app.config())->config.traces.mask;
  for (const std::string& kind : json::names<Personal>()) rules.push_back(kind);
  const auto masks = std::make_shared<const trace::Masks>(TRY(trace::Masks::make(rules)));
  return std::function<void(trace::RunPatch&)>(
      [masks](trace::RunPatch& run) { masks->apply(run); });
}

struct Report {
  eval::TraceGoldens found;
  std::size_t known = 0;     ///< That were there already.
  std::size_t answered = 0;  ///< Of them, those that got a person's answer.
};

json::Object json_of(const Report& report, const eval::AddReport& added) {
  return {{"dataset", added.dataset},
          {"matched", report.found.matched},
          {"taken", report.found.goldens.size()},
          {"incomplete", report.found.incomplete},
          {"added", added.added},
          {"answered", report.answered},
          {"known", report.known},
          {"size", added.version.size},
          {"digest", added.version.digest}};
}

Result<int> store(App& app, const std::string& name, Report report) {
  const auto door = TRY(detail::DatasetDoor::open(app, DataFolder::must_exist));
  std::vector<eval::Golden> known;
  if (const auto named = eval::find_goldens(app.context(), door->datasets(), name))
    known = TRY(eval::goldens_of(app.context(), door->datasets(), *named));
  else if (named.error().code() != Code::not_found)
    return named.error();
  const std::vector<eval::Golden> news = eval::news_of(known, report.found.goldens);
  const auto added =
      TRY(eval::add_goldens(app.context(), door->datasets(), name, news, eval::Merge::into));
  report.answered = added.changed;
  report.known = report.found.goldens.size() - news.size();
  if (app.options().json) {
    app.print_json(json_of(report, added));
    return exit_done;
  }
  app.print(
      fmt::format("{}: {} of {} traces taken, {} added, {} answered, {} there already; {} "
                  "goldens, {}\n",
                  name, report.found.goldens.size(), report.found.matched, added.added,
                  report.answered, report.known, added.version.size, added.version.digest));
  return exit_done;
}

}  // namespace

Result<int> eval_dataset_from_traces(App& app, const EvalTracesOptions& options) {
  const std::string name = options.words.empty() ? options.name : options.words.front();
  if (name.find('@') != std::string::npos)
    return app.wrong_use(fail(Code::invalid_argument, "'{}': a dataset's name has no '@'", name));
  auto query = query_of(options);
  if (!query) return app.wrong_use(query.error());
  const auto traces = TRY(detail::open_trace_store(app));
  store::Database* const database = TRY(app.database(DataFolder::must_exist));
  trace::Feedbacks feedbacks(*database);
  if (query->filter)
    TRY(trace::resolve_feedback(app.context(), feedbacks, *query->filter, trace::Listed::traces));
  eval::TraceSelection selection{
      .query = *std::move(query), .seed = options.seed, .failed = options.failed};
  if (options.sample) selection.sample = static_cast<std::size_t>(*options.sample);
  if (options.sample && options.failed)
    app.note("--sample leaves out no trace that failed: all of them are taken");
  if (options.redact) selection.redact = TRY(redactor(app));
  Report report{.found =
                    TRY(eval::goldens_of_traces(app.context(), *traces, feedbacks, selection))};
  if (!name.empty()) return store(app, name, std::move(report));
  const std::string text = TRY(eval::write_goldens(report.found.goldens, eval::GoldenFormat::native,
                                                   eval::GoldenLayout::jsonl));
  if (options.output.empty())
    app.print(text);
  else
    TRY(write_file_atomically(options.output, text));
  app.note(fmt::format("{} of {} traces", report.found.goldens.size(), report.found.matched));
  return exit_done;
}

}  // namespace slipway::app
