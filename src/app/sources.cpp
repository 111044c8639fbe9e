// Sources that slipway.yaml declares: listed, brought in, watched.
#include <thread>

#include "app/commands.hpp"
#include "app/detail/declared_sources.hpp"
#include "app/render.hpp"

namespace slipway::app {

namespace {

using detail::DeclaredSource;

Result<std::vector<DeclaredSource>> all_sources(App& app, rag::Library& library) {
  return detail::declared_sources(app.context(), TRY(app.config())->config, library);
}

/// Whether all of it went well; what did not is told, and the next source has its turn.
Result<bool> run(App& app, rag::Library& library, const DeclaredSource& source,
                 json::Array& reports) {
  const rag::IngestRequest request = detail::request_of(TRY(app.config())->config, source);
  Progress progress(app.err(), {.style = app.err_style(),
                                .is_quiet = app.options().quiet,
                                .what = source.name,
                                .unit = "documents"});
  const auto report =
      library.run_source(app.context(), source.name, request, [&](const rag::IngestProgress& now) {
        progress.show(now.documents_done, now.documents_total,
                      fmt::format("{} chunks", group_digits(now.chunks_done)));
      });
  progress.clear();
  TRY(app.context().check());
  json::Object shown{{"source", source.name}};
  if (!report) {
    app.complain(fmt::format("{}: {}", source.name, report.error().message()));
    shown["error"] = report.error().message();
  } else {
    for (const rag::IngestFailure& failure : report->failed)
      app.complain(fmt::format("{}: {}: {}", source.name, failure.uri, failure.error));
    shown["report"] = rag::to_json(*report);
    if (!app.options().json) app.print(source.name + ": " + render_report(*report));
  }
  reports.push_back(std::move(shown));
  return report && report->failed.empty();
}

Result<void> check_names(const std::vector<DeclaredSource>& sources,
                         const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const DeclaredSource& source : sources) known.push_back(source.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Code::invalid_argument, "source '{}' is not declared; {}", name,
                  known.empty() ? "declare sources in slipway.yaml"
                                : fmt::format("there are: {}", fmt::join(known, ", ")));
  return {};
}

std::string state_of(const DeclaredSource& source) {
  if (!source.last) return "never run";
  if (source.last->is_running) return "running";
  if (!source.last->finished_at) return "was interrupted";
  return source.last->error ? "failed: " + *source.last->error : "well";
}

}  // namespace

Result<int> sources_list(App& app) {
  rag::Library& library = *TRY(app.library(DataFolder::may_be_made));
  const auto sources = TRY(all_sources(app, library));
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const DeclaredSource& source : sources) {
    const std::string due = source.due_at ? format_time(*source.due_at) : "";
    const std::string collection = TRY(app.collection_or_default(source.config.collection));
    items.push_back(json::Object{
        {"name", source.name},
        {"from", json::to(source.config.from)},
        {"collection", collection},
        {"every", source.config.every},
        {"due_at", due.empty() ? json::Value() : json::Value(boost::json::string(due))},
        {"last", json::to(source.last)}});
    rows.push_back({source.name, collection,
                    source.config.every.empty() ? "when asked" : source.config.every,
                    source.last ? source.last->started_at : "", printable(state_of(source)), due});
  }
  if (app.options().json)
    app.print_json(json::Object{{"items", std::move(items)}});
  else
    app.print(
        rows.empty()
            ? "No sources; declare them under 'sources' in slipway.yaml.\n"
            : format_table({"NAME", "COLLECTION", "EVERY", "LAST RUN", "STATE", "DUE"}, rows));
  return exit_done;
}

Result<int> sources_run(App& app, const SourcesOptions& options) {
  rag::Library& library = *TRY(app.library(DataFolder::may_be_made));
  const auto sources = TRY(all_sources(app, library));
  if (const auto known = check_names(sources, options.names); !known)
    return app.wrong_use(known.error());
  json::Array reports;
  bool went_well = true;
  for (const DeclaredSource& source : sources) {
    const bool is_named =
        options.names.empty() ||
        std::find(options.names.begin(), options.names.end(), source.name) != options.names.end();
    if (!is_named || (options.due && !source.is_due(system_clock().now()))) continue;
    went_well = TRY(run(app, library, source, reports)) && went_well;
  }
  if (app.options().json) app.print_json(json::Object{{"items", std::move(reports)}});
  if (reports.empty() && !app.options().json) app.note("nothing is due");
  return went_well ? exit_done : exit_failed;
}

Result<int> sources_watch(App& app) {
  rag::Library& library = *TRY(app.library(DataFolder::may_be_made));
  if (TRY(all_sources(app, library)).empty())
    return app.wrong_use(fail(Code::invalid_argument,
                              "no source is declared; add one with 'every' under 'sources' in "
                              "slipway.yaml"));
  app.note("watching; Ctrl-C ends it");
  constexpr std::chrono::milliseconds look{1000};  // Cheap: one small read.
  for (;;) {
    for (const DeclaredSource& source : TRY(all_sources(app, library))) {
      json::Array reports;
      if (source.is_due(system_clock().now())) TRY(run(app, library, source, reports));
      if (app.options().json)
        for (const json::Value& report : reports) app.print_json(report);
    }
    for (auto slept = std::chrono::milliseconds(0); slept < look;
         slept += std::chrono::milliseconds(50)) {
      TRY(app.context().check());
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace slipway::app
