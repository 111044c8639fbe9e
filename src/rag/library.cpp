#include "rag/library.hpp"

#include "core/log.hpp"
#include "rag/detail/answer.hpp"
#include "rag/detail/check.hpp"
#include "rag/detail/defaults.hpp"
#include "rag/detail/estimate.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/ingest.hpp"
#include "rag/detail/migration.hpp"
#include "rag/detail/originals.hpp"
#include "rag/detail/receipts.hpp"
#include "rag/detail/removal.hpp"
#include "rag/detail/runs.hpp"
#include "rag/detail/traces.hpp"
#include "rag/detail/versions.hpp"

namespace slipway::rag {

namespace {

/// Texts kept in memory between requests: enough for the documents of a busy conversation.
constexpr std::size_t texts_bytes_max = 64u << 20;

class LibraryOnDatabase final : public Library {
 public:
  explicit LibraryOnDatabase(Options options)
      : shelf_(std::move(options)), texts_(shelf_.blobs(), texts_bytes_max) {}

  Result<std::vector<CollectionInfo>> collections(const Context& context) override {
    std::vector<CollectionInfo> infos;
    TRY(shelf_.database().read(context, [&](store::Connection& connection) -> Result<void> {
      for (const auto& row : TRY(detail::all_collections(connection)))
        infos.push_back(TRY(describe(connection, row)));
      return {};
    }));
    return infos;
  }

  Result<CollectionInfo> collection(const Context& context, const std::string& name) override {
    const auto open = TRY(shelf_.open(context, name));
    CollectionInfo info;
    TRY(shelf_.database().read(context, [&](store::Connection& connection) -> Result<void> {
      info = TRY(describe(connection, open->row));
      return {};
    }));
    return info;
  }

  Result<CollectionInfo> make_collection(
      const Context& context, const std::string& name,
      const std::optional<CollectionSettings>& settings) override {
    if (settings) TRY(settings->validate());
    const auto existing = shelf_.open(context, name);
    if (existing) return fail(Code::conflict, "collection '{}' exists already", name);
    if (existing.error().code() != Code::not_found) return existing.error();
    TRY(shelf_.open_or_make(context, name, settings));
    return collection(context, name);
  }

  Result<void> remove_collection(const Context& context, const std::string& name) override {
    TRY(shelf_.open(context, name));
    std::vector<detail::CollectionRow> generations;
    TRY(shelf_.database().write(context, [&](store::Connection& connection) -> Result<void> {
      generations = TRY(detail::generations_of(connection, name));
      return detail::forget_reigns(connection, name);
    }));
    // The one that serves last, so that an interrupted deletion can be repeated.
    std::reverse(generations.begin(), generations.end());
    for (const auto& row : generations) TRY(detail::drop_generation(context, shelf_, row));
    shelf_.forget(name);
    return {};
  }

  Result<DocumentPage> documents(const Context& context, const std::string& collection, int limit,
                                 const std::string& cursor) override {
    constexpr int limit_max = 1000;
    if (limit < 1 || limit > limit_max)
      return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", limit, limit_max);
    const auto open = TRY(shelf_.open(context, collection));
    DocumentPage page;
    TRY(shelf_.database().read(context, [&](store::Connection& connection) -> Result<void> {
      for (auto& row : TRY(detail::list_documents(connection, open->row.id, cursor, limit)))
        page.items.push_back(std::move(row.info));
      return {};
    }));
    if (static_cast<int>(page.items.size()) == limit) page.next_cursor = page.items.back().uri;
    return page;
  }

  Result<DocumentInfo> document(const Context& context, const std::string& collection,
                                const std::string& id) override {
    const auto open = TRY(shelf_.open(context, collection));
    std::optional<detail::DocumentRow> row;
    TRY(shelf_.database().read(context, [&](store::Connection& connection) -> Result<void> {
      row = TRY(detail::find_document(connection, open->row.id, id));
      return {};
    }));
    if (!row)
      return fail(Code::not_found, "document '{}' is not in collection '{}'", id, collection);
    return std::move(row->info);
  }

  Result<std::string> document_original(const Context& context, const std::string& id) override {
    return detail::original_of(shelf_, TRY(find(context, id)));
  }

  Result<PageLayout> document_page(const Context& context, const std::string& id,
                                   int page) override {
    const auto row = TRY(find(context, id));
    return detail::layout_of(row.info, *TRY(texts_.get(row)), page);
  }

  Result<std::string> document_text(const Context& context, const std::string& id) override {
    return TRY(texts_.get(TRY(find(context, id))))->text;
  }

  Result<DeletionReport> remove_document(const Context& context, const std::string& id) override {
    const auto document = TRY(find(context, id));
    texts_.forget(document);
    return detail::erase_everywhere(context, shelf_, document);
  }

  Result<IngestReport> ingest(const Context& context, const IngestRequest& request,
                              const ProgressSink& progress) override {
    // A job has a trace of its own, whose id is in its context.
    std::optional<trace::Origin> origin;
    if (!request.dry_run) origin = {.trace_id = context.trace_id()};
    const trace::Trail trail = detail::trail_of(shelf_, origin);
    trace::Span span = trail.begin(trace::Kind::chain, "ingest " + request.collection);
    if (span.keeps_payloads())
      span.inputs(json::Object{{"collection", request.collection},
                               {"sources", json::to(request.sources)},
                               {"documents", request.documents.size()},
                               {"sync", request.sync}});
    auto report = detail::ingest(context, shelf_, request, progress);
    if (!report) {
      span.fail(report.error());
      return report;
    }
    if (const auto open = shelf_.open(context, request.collection); open && report->tokens > 0) {
      models::Usage usage;
      usage.embedding_tokens = report->tokens;
      trace::Span embedding =
          detail::model_span(shelf_, span, trace::Kind::embedding, (*open)->row.settings.embedder);
      detail::tell_usage(embedding, {}, usage);
      embedding.metadata("chunks", report->chunks.added);
      embedding.end();
    }
    if (span.keeps_payloads()) span.outputs(to_json(*report));
    span.end();
    return report;
  }

  Result<SearchReply> search(const Context& context, const SearchRequest& asked) override {
    const SearchRequest request = TRY(detail::with_defaults(context, shelf_, asked));
    auto retrieved = TRY(detail::retrieve(context, shelf_, texts_, request));
    if (retrieved.over_budget)
      return fail(Code::conflict,
                  "embedding or reranking may cost more than the budget of {:.6f} USD; lower "
                  "candidates",
                  *request.budget_usd);
    for (auto& passage : retrieved.passages)
      retrieved.reply.items.push_back(std::move(passage.item));
    retrieved.reply.cost_usd = retrieved.cost_usd;
    return std::move(retrieved.reply);
  }

  Result<Answer> ask(const Context& context, const AskRequest& asked,
                     const AskEvents& events) override {
    const AskRequest request = TRY(detail::with_defaults(context, shelf_, asked));
    auto answered = TRY(detail::answer(context, shelf_, texts_, request, events));
    auto stored = detail::store_receipt(context, shelf_, request, answered);
    detail::end_run(answered, stored);
    TRY(std::move(stored));
    return std::move(answered.answer);
  }

  Result<AskEstimate> estimate(const Context& context, const AskRequest& request) override {
    return detail::estimate(context, shelf_, TRY(detail::with_defaults(context, shelf_, request)));
  }

  Result<json::Value> receipt(const Context& context, const std::string& id) override {
    return detail::load_receipt(context, shelf_, id);
  }

  Result<Replay> replay(const Context& context, const std::string& id, bool rerun) override {
    return detail::replay(context, shelf_, texts_, id, rerun);
  }

  Result<IndexReport> index_report(const Context& context, const std::string& collection,
                                   std::size_t recall_queries) override {
    const auto open = TRY(shelf_.open(context, collection));
    IndexReport report;
    report.collection = collection;
    report.stats = TRY(open->index->stats(context));
    if (recall_queries > 0)
      report.recall = TRY(open->index->measure_recall(context, recall_queries));
    return report;
  }

  Result<void> optimize(const Context& context, const std::string& collection) override {
    const auto open = TRY(shelf_.open(context, collection));
    TRY(detail::prune(context, shelf_, *open));
    return open->index->seal(context, {.purge = true});
  }

  Result<VersionList> versions(const Context& context, const std::string& collection) override {
    return detail::list_versions(context, shelf_, collection);
  }

  Result<std::int64_t> version_named(const Context& context, const std::string& collection,
                                     const std::string& version) override {
    return detail::version_named(context, shelf_, collection, version);
  }

  Result<VersionInfo> snapshot(const Context& context, const std::string& collection,
                               const std::string& name,
                               std::optional<std::int64_t> version) override {
    return detail::take_snapshot(context, shelf_, collection, name, version);
  }

  Result<void> drop_version(const Context& context, const std::string& collection,
                            const std::string& name) override {
    return detail::drop_version(context, shelf_, collection, name);
  }

  Result<VersionDifference> compare_versions(const Context& context, const std::string& collection,
                                             std::int64_t from, std::int64_t to,
                                             const std::vector<std::string>& queries,
                                             int limit) override {
    return detail::compare_versions(context, shelf_, texts_,
                                    {collection, from, to, queries, limit});
  }

  Result<MigrationReport> migrate(const Context& context, const MigrateRequest& request,
                                  const ProgressSink& progress) override {
    return detail::migrate(context, shelf_, texts_, request, progress);
  }

  Result<MigrationReport> roll_back(const Context& context, const std::string& collection,
                                    const ProgressSink& progress) override {
    return detail::roll_back(context, shelf_, texts_, collection, progress);
  }

  Result<IngestReport> run_source(const Context& context, const std::string& name,
                                  const IngestRequest& request,
                                  const ProgressSink& progress) override {
    if (!TRY(detail::begin_run(context, shelf_, name)))
      return fail(Code::conflict, "source '{}' is being brought in by another process", name);
    auto heard_at = std::chrono::steady_clock::now();
    auto report = detail::ingest(context, shelf_, request, [&](const IngestProgress& now) {
      if (progress) progress(now);
      constexpr std::chrono::seconds pause{30};
      if (std::chrono::steady_clock::now() - heard_at < pause) return;
      heard_at = std::chrono::steady_clock::now();
      if (const auto noted = detail::keep_run_alive(context, shelf_, name); !noted)
        log::warning("source {}: {}", name, noted.error().message());
    });
    const std::string error =
        !report
            ? report.error().message()
            : (report->failed.empty() ? ""
                                      : fmt::format("{} documents failed", report->failed.size()));
    // Also when the caller has stopped: the next run is then due at once, not in five minutes.
    TRY(detail::end_run(Context(), shelf_, name, report ? to_json(*report) : json::Value(), error));
    return report;
  }

  Result<std::vector<SourceRun>> source_runs(const Context& context) override {
    return detail::source_runs(context, shelf_);
  }

  Result<std::vector<std::string>> check(const Context& context, bool repair) override {
    return detail::check(context, shelf_, repair);
  }

 private:
  /// What questions use, whoever said it.
  std::optional<QuestionDefaults> defaults_in_force(const detail::CollectionRow& row) const {
    QuestionDefaults defaults = shelf_.defaults_of(row);
    if (const std::string reranker = shelf_.reranker_of(row);
        defaults.reranker || !reranker.empty())
      defaults.reranker = reranker;
    if (const std::string prompt = shelf_.prompt_of(row); defaults.prompt || !prompt.empty())
      defaults.prompt = prompt;
    if (defaults == QuestionDefaults{}) return std::nullopt;
    return defaults;
  }

  Result<CollectionInfo> describe(store::Connection& connection, const detail::CollectionRow& row) {
    const auto counts = TRY(detail::count(connection, row.id));
    const std::string reranker = shelf_.reranker_of(row);
    const auto version = TRY(index::version_of(connection, row.id));
    return CollectionInfo{row.name,
                          row.settings.embedder,
                          row.settings.splitter,
                          row.settings.language,
                          reranker.empty() ? std::nullopt : std::optional(reranker),
                          counts.documents,
                          counts.chunks,
                          version,
                          row.created_at,
                          defaults_in_force(row)};
  }

  Result<detail::DocumentRow> find(const Context& context, const std::string& id) {
    std::optional<detail::DocumentRow> document;
    TRY(shelf_.database().read(context, [&](store::Connection& connection) -> Result<void> {
      document = TRY(detail::find_document(connection, id));
      return {};
    }));
    if (!document)
      return fail(Code::not_found,
                  "document '{}' does not exist; slipway documents list shows the ids", id);
    return std::move(*document);
  }

  detail::Shelf shelf_;
  detail::Texts texts_;
};

}  // namespace

Result<std::unique_ptr<Library>> Library::open(Options options) {
  for (const auto& [name, settings] : options.declared)
    TRY(settings.validate().within(fmt::format("collections.{}", name)));
  return std::unique_ptr<Library>(std::make_unique<LibraryOnDatabase>(std::move(options)));
}

}  // namespace slipway::rag
