#include "app/commands.hpp"

namespace slipway::app {

namespace {

std::string megabytes(std::size_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string render_recall(const index::Recall& recall) {
  return fmt::format("{:.1f} % of an exact scan's ten best, by {} {}", 100 * recall.recall_at_10,
                     recall.queries, recall.is_live ? "recent queries" : "of its own vectors");
}

std::string render(const rag::IndexReport& report) {
  const index::Stats& stats = report.stats;
  std::vector<std::vector<std::string>> rows = {
      {"collection", report.collection},
      {"version", std::to_string(stats.version)},
      {"documents", group_digits(static_cast<std::int64_t>(stats.documents))},
      {"chunks", group_digits(static_cast<std::int64_t>(stats.chunks))},
      {"words", group_digits(static_cast<std::int64_t>(stats.terms))},
      {"in memory", megabytes(stats.memory_bytes)},
      {"mapped from files", megabytes(stats.mapped_bytes)}};
  if (report.recall) rows.push_back({"recall", render_recall(*report.recall)});
  std::string text = format_table({}, rows);
  if (stats.segments.empty()) return text;
  std::vector<std::vector<std::string>> segments;
  for (const index::SegmentInfo& segment : stats.segments)
    segments.push_back({segment.file.empty() ? "(memory)" : segment.file,
                        group_digits(static_cast<std::int64_t>(segment.documents)),
                        group_digits(static_cast<std::int64_t>(segment.dead_documents)),
                        group_digits(static_cast<std::int64_t>(segment.chunks)),
                        megabytes(segment.bytes), segment.has_codes ? "codes" : "exact"});
  return text + "\n" +
         format_table({"SEGMENT", "DOCUMENTS", "DELETED", "CHUNKS", "SIZE", "SCAN"}, segments);
}

}  // namespace

Result<int> index_stats(App& app, const IndexOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  const auto report =
      TRY(TRY(app.library())->index_report(app.context(), collection, options.recall));
  if (app.options().json)
    app.print_json(json::to(report));
  else
    app.print(render(report));
  return exit_done;
}

Result<int> index_optimize(App& app, const IndexOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  rag::Library& library = *TRY(app.library());
  TRY(library.optimize(app.context(), collection));
  const auto report = TRY(library.index_report(app.context(), collection, 0));
  if (app.options().json)
    app.print_json(json::to(report));
  else
    app.print(render(report));
  return exit_done;
}

}  // namespace slipway::app
