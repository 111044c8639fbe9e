// Versions of a collection, and its migration to another embedder or splitter.
#include "app/commands.hpp"
#include "app/render.hpp"
#include "core/files.hpp"
#include "core/unicode.hpp"

namespace slipway::app {

namespace {

constexpr std::uint64_t list_bytes_max = 64u << 20;
constexpr std::size_t changes_shown_max = 20;

/// The lines of a file that say something.
Result<std::vector<std::string>> read_lines(const std::string& file) {
  const std::string text = TRY(read_file(file, list_bytes_max));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line(unicode::trim(std::string_view(text).substr(at, end - at)));
    if (!unicode::is_valid_utf8(line))
      return fail(Code::invalid_argument, "{}: line {} is not valid UTF-8", file, lines.size() + 1);
    if (!line.empty()) lines.push_back(line);
    at = end + 1;
  }
  if (lines.empty()) return fail(Code::invalid_argument, "{} is empty", file);
  return lines;
}

/// What a line says besides is for evaluations.
Result<std::vector<rag::GoldQuestion>> read_gold(const std::string& file) {
  std::vector<rag::GoldQuestion> questions;
  const auto lines = TRY(read_lines(file));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string where = fmt::format("{}: question {}", file, i + 1);
    const json::Value line = TRY(json::parse(lines[i]).within(where));
    if (!line.is_object())
      return fail(Code::invalid_argument,
                  R"({} is not an object like {{"input":"...","relevance":{{"guide.md":1}}}})",
                  where);
    json::Object known;
    for (const char* key : {"input", "relevance"})
      if (line.as_object().contains(key)) known[key] = line.as_object().at(key);
    questions.push_back(TRY(json::from<rag::GoldQuestion>(std::move(known)).within(where)));
  }
  return questions;
}

std::string names_of(const rag::VersionInfo& info) {
  std::vector<std::string> names;
  if (info.is_current) names.push_back("(current)");
  names.insert(names.end(), info.names.begin(), info.names.end());
  if (!info.receipts.empty())
    names.push_back(
        fmt::format("{} receipt{}", info.receipts.size(), info.receipts.size() == 1 ? "" : "s"));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string render(const rag::VersionList& list) {
  std::vector<std::vector<std::string>> rows;
  for (const rag::VersionInfo& info : list.items)
    rows.push_back({std::to_string(info.version), names_of(info), group_digits(info.documents),
                    group_digits(info.chunks), info.embedder, info.created_at.value_or("")});
  std::string text =
      rows.empty()
          ? "No version yet; 'slipway ingest' makes the first.\n"
          : format_table({"VERSION", "NAME", "DOCUMENTS", "CHUNKS", "EMBEDDER", "KEPT SINCE"},
                         rows);
  if (list.oldest < list.current)
    text += fmt::format("All versions from {} to {} can be searched (keep_versions: {}).\n",
                        list.oldest, list.current, group_digits(list.keep_versions));
  for (const rag::GenerationInfo& generation : list.generations)
    if (generation.state != "serving")
      text += fmt::format("{}: embedder {}, {}, {} documents, {} chunks\n", generation.state,
                          generation.embedder, render_splitter(generation.splitter),
                          group_digits(generation.documents), group_digits(generation.chunks));
  return text;
}

void add_changes(std::string& text, std::string_view what,
                 const std::vector<std::string>& changes) {
  for (std::size_t i = 0; i < std::min(changes.size(), changes_shown_max); ++i)
    text += fmt::format("{} {}\n", what, changes[i]);
  if (changes.size() > changes_shown_max)
    text += fmt::format("  and {} more; --json shows all\n", changes.size() - changes_shown_max);
}

std::string render(const rag::VersionDifference& difference) {
  std::string text =
      fmt::format("{}, version {} to {}: {} added, {} removed, {} changed, {} unchanged\n",
                  difference.collection, difference.from, difference.to, difference.added.size(),
                  difference.removed.size(), difference.changed.size(), difference.unchanged);
  const auto paths = [](const std::vector<rag::DocumentName>& names) {
    std::vector<std::string> lines;
    for (const rag::DocumentName& name : names) lines.push_back(printable(name.path));
    return lines;
  };
  add_changes(text, "+", paths(difference.added));
  add_changes(text, "-", paths(difference.removed));
  std::vector<std::string> changed;
  for (const rag::ChangedDocument& one : difference.changed)
    changed.push_back(
        fmt::format("{} ({})", printable(one.document.path), fmt::join(one.what, ", ")));
  add_changes(text, "~", changed);
  if (difference.overlap)
    text += fmt::format(
        "{} queries find the same in {:.1f} % of {} chunks, {:.1f} % of their documents\n",
        difference.overlap->queries, 100 * difference.overlap->chunks, difference.overlap->limit,
        100 * difference.overlap->documents);
  return text;
}

std::string render(const rag::MigrationReport& report) {
  std::string text = fmt::format(
      "{}: embedder {} to {}; splitter {} to {}\n"
      "{} documents built, chunks: {} new, {} reused · {} tokens embedded · {}\n",
      report.collection, report.from.embedder, report.to.embedder,
      render_splitter(report.from.splitter), render_splitter(report.to.splitter),
      group_digits(report.documents), group_digits(report.chunks.added),
      group_digits(report.chunks.reused), group_digits(report.tokens),
      format_seconds(report.seconds));
  if (report.gold)
    text += fmt::format(
        "gold set, {} questions at {} passages: recall {:.3f} to {:.3f}, nDCG {:.3f} to {:.3f} "
        "(margin {})\n",
        report.gold->questions, report.gold->limit, report.gold->before.recall,
        report.gold->after.recall, report.gold->before.ndcg, report.gold->after.ndcg,
        report.gold->margin);
  return text +
         (report.switched
              ? fmt::format("version {} serves; 'slipway collections rollback {}' goes back\n",
                            report.index_version, report.collection)
              : "the gold set fell by more than the margin: nothing is switched; what was "
                "built is kept for the next try\n");
}

/// A migration or the way back, with its progress shown.
template <typename Work>
Result<int> run_migration(App& app, const Work& work) {
  Progress progress(app.err(), {.style = app.err_style(),
                                .is_quiet = app.options().quiet,
                                .what = "migrate",
                                .unit = "documents"});
  const Result<rag::MigrationReport> report = work([&](const rag::IngestProgress& now) {
    progress.show(now.documents_done, now.documents_total,
                  fmt::format("{} chunks", group_digits(now.chunks_done)));
  });
  progress.clear();
  if (!report) {
    if (report.error().code() == Code::cancelled)
      app.note("what was built stays; run the same command again to go on");
    return report.error();
  }
  if (app.options().json)
    app.print_json(rag::to_json(*report));
  else
    app.print(render(*report));
  return report->switched ? exit_done : exit_failed;
}

Result<rag::MigrateRequest> migrate_request(App& app, const MigrateOptions& options) {
  rag::MigrateRequest request;
  request.collection = options.name;
  if (!options.embedder.empty()) request.embedder = options.embedder;
  if (options.chunk_size || options.chunk_overlap || !options.splitter.empty()) {
    request.splitter = TRY(TRY(app.library())->collection(app.context(), options.name)).splitter;
    if (options.chunk_size) request.splitter->chunk_size = *options.chunk_size;
    if (options.chunk_overlap) request.splitter->chunk_overlap = *options.chunk_overlap;
    if (!options.splitter.empty())
      request.splitter->kind = TRY(
          json::from<documents::SplitterKind>(json::Value(boost::json::string(options.splitter))));
  }
  if (!options.gold.empty()) request.gold = TRY(read_gold(options.gold));
  request.margin = options.margin;
  request.limit = options.limit;
  return request;
}

}  // namespace

Result<std::optional<std::int64_t>> version_of(App& app, const std::string& collection,
                                               const std::string& version) {
  if (version.empty()) return std::optional<std::int64_t>();
  return std::optional(TRY(TRY(app.library())->version_named(app.context(), collection, version)));
}

Result<int> versions_list(App& app, const VersionOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  const auto list = TRY(TRY(app.library())->versions(app.context(), collection));
  if (app.options().json)
    app.print_json(json::to(list));
  else
    app.print(render(list));
  return exit_done;
}

Result<int> versions_snapshot(App& app, const VersionOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  const auto version = TRY(version_of(app, collection, options.version));
  const auto info =
      TRY(TRY(app.library())->snapshot(app.context(), collection, options.name, version));
  if (app.options().json)
    app.print_json(json::to(info));
  else
    app.print(fmt::format("snapshot {} is version {} of {}: {} documents, {} chunks\n",
                          options.name, info.version, collection, group_digits(info.documents),
                          group_digits(info.chunks)));
  return exit_done;
}

Result<int> versions_drop(App& app, const VersionOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  TRY(TRY(app.library())->drop_version(app.context(), collection, options.name));
  if (app.options().json)
    app.print_json(json::Object{{"dropped", options.name}});
  else
    app.print(fmt::format("dropped {}\n", options.name));
  return exit_done;
}

Result<int> versions_compare(App& app, const CompareOptions& options) {
  const std::string collection = TRY(app.collection_or_default(options.collection));
  rag::Library& library = *TRY(app.library());
  std::vector<std::string> queries;
  if (!options.queries.empty()) queries = TRY(read_lines(options.queries).within("--queries"));
  const auto from = TRY(library.version_named(app.context(), collection, options.from));
  const auto to = TRY(library.version_named(app.context(), collection, options.to));
  const auto difference =
      TRY(library.compare_versions(app.context(), collection, from, to, queries, options.limit));
  if (app.options().json)
    app.print_json(json::to(difference));
  else
    app.print(render(difference));
  return exit_done;
}

Result<int> collections_migrate(App& app, const MigrateOptions& options) {
  const rag::MigrateRequest request = TRY(migrate_request(app, options));
  rag::Library& library = *TRY(app.library());
  return run_migration(app, [&](const rag::ProgressSink& progress) {
    return library.migrate(app.context(), request, progress);
  });
}

Result<int> collections_rollback(App& app, const std::string& name) {
  rag::Library& library = *TRY(app.library());
  return run_migration(app, [&](const rag::ProgressSink& progress) {
    return library.roll_back(app.context(), name, progress);
  });
}

}  // namespace slipway::app
