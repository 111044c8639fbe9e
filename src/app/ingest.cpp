#include <charconv>
#include <cmath>
#include <cstdlib>

#include "app/commands.hpp"
#include "app/render.hpp"
#include "core/files.hpp"
#include "core/unicode.hpp"

namespace slipway::app {

namespace {

constexpr std::uint64_t password_bytes_max = 4096;

json::Value typed(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc() && stop == end)
    return whole;
  double real = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, real);
      error == std::errc() && stop == end && std::isfinite(real))
    return real;
  return json::Value(boost::json::string(text));
}

/// A secret on a command line is visible to every user of the machine; env: and file: are not.
Result<std::string> read_password(const std::string& text) {
  if (text.starts_with("env:")) {
    const char* value = std::getenv(text.c_str() + 4);
    if (value == nullptr)
      return fail(Code::invalid_argument, "--password: the variable {} is not set", text.substr(4));
    return std::string(value);
  }
  if (!text.starts_with("file:")) return text;
  std::string secret = TRY(read_file(text.substr(5), password_bytes_max).within("--password"));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

bool names_settings(const IngestOptions& options) {
  return options.chunk_size || options.chunk_overlap || !options.splitter.empty() ||
         !options.embedder.empty();
}

/// What was named on the command line, over what the collection has (so that it agrees in all that
/// was not named), or over what a new one would get.
Result<rag::CollectionSettings> settings_for(App& app, rag::Library& library,
                                             const IngestOptions& options,
                                             const std::string& collection) {
  rag::CollectionSettings settings;
  const auto existing = library.collection(app.context(), collection);
  if (existing) {
    settings.embedder = existing->embedder;
    settings.splitter = existing->splitter;
    settings.language = existing->language;
  } else if (existing.error().code() == Code::not_found) {
    const auto& declared = TRY(app.config())->config.collections;
    if (const auto found = declared.find(collection); found != declared.end())
      settings = found->second;
  } else {
    return existing.error();
  }
  if (options.chunk_size) settings.splitter.chunk_size = *options.chunk_size;
  if (options.chunk_overlap) settings.splitter.chunk_overlap = *options.chunk_overlap;
  if (!options.splitter.empty())
    settings.splitter.kind = TRY(
        json::from<documents::SplitterKind>(json::Value(boost::json::string(options.splitter))));
  if (!options.embedder.empty()) settings.embedder = options.embedder;
  return settings;
}

Result<rag::IngestRequest> ingest_request(const IngestOptions& options) {
  rag::IngestRequest request;
  request.sources = options.sources;
  request.source_options.include = options.include;
  request.source_options.exclude = options.exclude;
  request.metadata = TRY(parse_metadata(options.metadata));
  request.sync = options.sync;
  request.dry_run = options.dry_run;
  request.password = TRY(read_password(options.password));
  return request;
}

void print_report(App& app, const rag::IngestReport& report) {
  if (app.options().json) {
    app.print_json(rag::to_json(report));
    return;
  }
  if (!app.options().quiet) app.err().write(render_warnings(report));
  for (const rag::IngestFailure& failure : report.failed) {
    // Most errors name their file already.
    const bool is_named = failure.error.find(failure.uri) != std::string::npos;
    app.complain(is_named ? failure.error : failure.uri + ": " + failure.error);
  }
  app.print(render_report(report));
}

}  // namespace

Result<json::Object> parse_metadata(const std::vector<std::string>& entries) {
  json::Object metadata;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Code::invalid_argument, "--metadata: '{}' is not key=value", entry);
    if (!unicode::is_valid_utf8(entry))
      return fail(Code::invalid_argument, "--metadata: '{}' is not valid UTF-8", printable(entry));
    const std::string key = entry.substr(0, equals);
    if (metadata.contains(key))
      return fail(Code::invalid_argument, "--metadata: '{}' is given twice", key);
    metadata[key] = typed(entry.substr(equals + 1));
  }
  return metadata;
}

Result<int> ingest(App& app, const IngestOptions& options) {
  auto request = ingest_request(options);
  if (!request) return app.wrong_use(request.error());
  request->collection = TRY(app.collection_or_default(options.collection));
  request->loading = TRY(app.config())->config.loading;
  request->connecting.credentials = TRY(app.config())->config.connectors.credentials;
  rag::Library& library =
      *TRY(app.library(options.dry_run ? DataFolder::stays_unmade : DataFolder::may_be_made));
  if (names_settings(options))
    request->settings = TRY(settings_for(app, library, options, request->collection));

  Progress progress(app.err(), {.style = app.err_style(),
                                .is_quiet = app.options().quiet,
                                .what = "ingest",
                                .unit = "documents"});
  const auto report = library.ingest(app.context(), *request, [&](const rag::IngestProgress& now) {
    progress.show(now.documents_done, now.documents_total,
                  fmt::format("{} chunks{}{}", group_digits(now.chunks_done),
                              now.current.empty() ? "" : " · ", now.current));
  });
  progress.clear();
  if (!report && report.error().code() == Code::cancelled)
    app.note("what was taken in stays; run the same command again to go on");
  print_report(app, TRY(Result<rag::IngestReport>(report)));
  return report->failed.empty() ? exit_done : exit_failed;
}

}  // namespace slipway::app
