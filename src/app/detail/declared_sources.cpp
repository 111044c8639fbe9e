#include "app/detail/declared_sources.hpp"

#include "app/detail/schedule.hpp"

namespace slipway::app::detail {

bool DeclaredSource::is_due(Clock::Time now) const {
  return due_at && *due_at <= now && !(last && last->is_running);
}

Result<std::vector<DeclaredSource>> declared_sources(const Context& context, const Config& config,
                                                     rag::Library& library) {
  std::map<std::string, rag::SourceRun> runs;
  for (rag::SourceRun& run : TRY(library.source_runs(context)))
    runs.emplace(run.name, std::move(run));
  std::vector<DeclaredSource> sources;
  const auto now = system_clock().now();
  for (const auto& [name, declared] : config.sources) {
    DeclaredSource& source = sources.emplace_back(DeclaredSource{name, declared, {}, {}});
    if (const auto run = runs.find(name); run != runs.end()) source.last = run->second;
    source.due_at = due_at(
        declared.every, source.last ? std::optional(source.last->started_at) : std::nullopt, now);
  }
  return sources;
}

rag::IngestRequest request_of(const Config& config, const DeclaredSource& source) {
  rag::IngestRequest request;
  request.collection =
      source.config.collection.empty() ? config.defaults.collection : source.config.collection;
  request.sources = source.config.from;
  request.source_options.include = source.config.include;
  request.source_options.exclude = source.config.exclude;
  request.metadata = source.config.metadata;
  request.sync = source.config.sync;
  request.loading = config.loading;
  request.connecting.credentials = config.connectors.credentials;
  return request;
}

}  // namespace slipway::app::detail
