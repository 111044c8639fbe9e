// How a migration works.
//
// The new generation is filled from the stored texts of the one that serves, in passes: each looks
// for documents that differ, by id, and copies them. Ingests go on writing into the one that
// serves, so passes are repeated until one finds nothing to do; the switch is a transaction that
// succeeds only if nothing was committed since. Whoever still writes into the old generation then
// is told (see check_place). A killed migration leaves the new generation where it was, and the
// next one with the same settings goes on. Rolling back is the same with the former generation as
// the new.
#include "rag/detail/migration.hpp"

#include <chrono>

#include "core/pool.hpp"
#include "rag/detail/chunking.hpp"
#include "rag/detail/defaults.hpp"
#include "rag/detail/filing.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/gold.hpp"
#include "rag/detail/removal.hpp"
#include "rag/detail/versions.hpp"

namespace slipway::rag::detail {

namespace {

constexpr std::size_t batch_documents = 64;
/// Ingests that never let up would keep a migration from ending.
constexpr int passes_max = 50;

/// What a pass has to do.
struct Work {
  std::int64_t version = 0;                  ///< Of the generation that serves.
  std::vector<std::string> copied, removed;  ///< Ids of documents.
  bool is_empty() const { return copied.empty() && removed.empty(); }
};

bool is_same(const DocumentRow& a, const DocumentRow& b) {
  return a.info.uri == b.info.uri && a.info.path == b.info.path && a.info.title == b.info.title &&
         a.info.content_hash == b.info.content_hash && a.info.text_hash == b.info.text_hash &&
         a.info.metadata == b.info.metadata && a.given_metadata == b.given_metadata &&
         a.validator == b.validator;
}

class Migrating {
 public:
  Migrating(const Context& context, Shelf& shelf, Texts& texts, const ProgressSink& progress)
      : context_(context), shelf_(shelf), texts_(texts), progress_(progress) {}

  Result<MigrationReport> migrate(const MigrateRequest& request) {
    TRY(request.validate());
    TRY(open_serving(request.collection));
    CollectionSettings settings = serving_->row.settings;
    if (request.embedder) settings.embedder = *request.embedder;
    if (request.splitter) settings.splitter = *request.splitter;
    if (request.defaults) settings.defaults = merged(*request.defaults, settings.defaults);
    // What slipway.yaml says may hide that it is so already.
    const CollectionSettings& now = serving_->row.settings;
    const bool is_index_same =
        settings.embedder == now.embedder && settings.splitter == now.splitter;
    if (request.defaults && is_index_same && settings.defaults == now.defaults) return unchanged();
    TRY(open_next(std::move(settings)));
    return run(&request);
  }

  Result<MigrationReport> roll_back(const std::string& collection) {
    TRY(open_serving(collection));
    std::optional<CollectionRow> former;
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      former = TRY(last_former(connection, serving_->row));
      return {};
    }));
    if (!former)
      return fail(Code::not_found,
                  "collection '{}' has no former generation to go back to: it was not migrated, or "
                  "more than keep_versions ({}) changes ago",
                  collection, shelf_.keep_versions_of(serving_->row));
    target_ = TRY(shelf_.open_row(context_, *former));
    embedder_ = TRY(shelf_.embedder(context_, *target_));
    return run(nullptr);
  }

 private:
  Result<void> open_serving(const std::string& name) {
    serving_ = TRY(shelf_.open(context_, name));
    report_.collection = name;
    return {};
  }

  Result<MigrationReport> unchanged() {
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      report_.index_version = TRY(index::version_of(connection, serving_->row.id));
      return {};
    }));
    return std::move(report_);
  }

  Result<void> open_next(CollectionSettings settings) {
    const CollectionRow& old = serving_->row;
    TRY(settings.splitter.validate());
    embedder_ = TRY(shelf_.catalog().embedder(context_, settings.embedder));
    TRY(check_fits(settings.splitter, *embedder_));
    TRY(settings.defaults.validate());
    if (embedder_->identity() == old.embedder_identity &&
        settings.splitter == old.settings.splitter && settings.defaults == old.settings.defaults)
      return fail(Code::invalid_argument,
                  "collection '{}' is made with embedder '{}' and this splitter already; name "
                  "another one",
                  old.name, settings.embedder);
    CollectionRow row;
    row.name = name_of_next(old.name);
    row.settings = std::move(settings);
    row.embedder_identity = embedder_->identity();
    row.dimension = embedder_->dimension();
    row.created_at = format_time(shelf_.clock().now());
    std::optional<CollectionRow> known;
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      known = TRY(next_generation(connection, old.name));
      if (TRY(count(connection, old.id)).documents > 0) return {};
      return fail(Code::invalid_argument,
                  "collection '{0}' is empty; delete it and ingest with the other settings",
                  old.name);
    }));
    const bool goes_on = known && known->embedder_identity == row.embedder_identity &&
                         known->settings.splitter == row.settings.splitter &&
                         known->settings.defaults == row.settings.defaults;
    if (known && !goes_on) TRY(drop_generation(context_, shelf_, *known));
    if (!goes_on)
      TRY(shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
        row.id = TRY(insert_collection(connection, row));
        return {};
      }));
    target_ = TRY(shelf_.open_row(context_, goes_on ? *known : row));
    return {};
  }

  /// `request` is null when rolling back.
  Result<MigrationReport> run(const MigrateRequest* request) {
    const auto start = std::chrono::steady_clock::now();
    filing_.emplace(context_, shelf_, *target_, *embedder_);
    const ItemReader::Known none;
    GoneDocuments nobody;
    request_.collection = report_.collection;
    std::unique_ptr<Contextualizer> contexts;
    if (target_->row.settings.contextual)
      contexts = TRY(Contextualizer::open(context_, shelf_, *target_->row.settings.contextual));
    reader_.emplace(request_, target_->row.settings, "", *embedder_, contexts.get(), none, nobody);
    for (int pass = 0; pass < passes_max && !report_.switched; ++pass) {
      const Work work = TRY(find_work());
      TRY(copy(work));
      if (!work.is_empty()) continue;
      TRY(target_->index->seal(context_, {}));
      if (!report_.gold && request != nullptr && !request->gold.empty() && !TRY(gate(*request)))
        break;
      TRY(switch_over(work.version));
    }
    const bool was_stopped = report_.gold && !report_.gold->holds;
    if (!report_.switched && !was_stopped)
      return fail(Code::conflict,
                  "collection '{}' is changed faster than it can be copied; run it again when less "
                  "is ingested (what is built is kept)",
                  report_.collection);
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

  Result<Work> find_work() {
    Work work;
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      work.version = TRY(index::version_of(connection, serving_->row.id));
      const auto there = TRY(index::version_of(connection, target_->row.id));
      std::map<std::string, DocumentRow> known;
      for (DocumentRow& row : TRY(documents_seen(connection, {target_->row.id, there})))
        known.emplace(row.info.id, std::move(row));
      for (const DocumentRow& row :
           TRY(documents_seen(connection, {serving_->row.id, work.version}))) {
        const auto found = known.find(row.info.id);
        if (found == known.end() || !is_same(row, found->second))
          work.copied.push_back(row.info.id);
        if (found == known.end()) continue;
        // Its old place may be another document's now.
        if (row.info.uri != found->second.info.uri) work.removed.push_back(row.info.id);
        known.erase(found);
      }
      for (const auto& [id, row] : known) work.removed.push_back(id);
      return {};
    }));
    return work;
  }

  Result<void> copy(const Work& work) {
    for (const std::string& id : work.removed) TRY(remove_document(context_, shelf_, *target_, id));
    progress_state_.documents_total += static_cast<std::int64_t>(work.copied.size());
    for (std::size_t from = 0; from < work.copied.size(); from += batch_documents) {
      const std::size_t to = std::min(from + batch_documents, work.copied.size());
      TRY(copy_batch(std::span(work.copied).subspan(from, to - from)));
    }
    return {};
  }

  Result<void> copy_batch(std::span<const std::string> ids) {
    TRY(context_.check());
    std::vector<std::optional<Item>> items(ids.size());
    TRY(parallel_for(context_, ids.size(), core_count(), [&](std::size_t i) -> Result<void> {
      items[i] = TRY(recut(ids[i]));
      return {};
    }));
    Batch batch;
    for (auto& item : items)
      if (item) batch.items.push_back(std::move(*item));
    const models::Usage usage = TRY(filing_->embed(batch, [&](std::int64_t embedded) {
      progress_state_.chunks_done += embedded;
      show_progress();
    }));
    report_.tokens += usage.embedding_tokens;
    filing_->write(batch.items, batch.vectors);
    for (Item& item : batch.items) {
      if (item.error) return std::move(*item.error).within(item.row.info.uri);
      ++report_.documents;
      ++progress_state_.documents_done;
      report_.chunks.added += item.chunks_embedded;
      report_.chunks.reused += static_cast<std::int64_t>(item.chunks.size()) - item.chunks_embedded;
      progress_state_.current = item.row.info.path;
      show_progress();
    }
    return {};
  }

  /// The document with the new settings; nothing when it is gone meanwhile.
  Result<std::optional<Item>> recut(const std::string& id) {
    std::optional<DocumentRow> row;
    const auto find = [&](store::Connection& connection) -> Result<void> {
      row = TRY(find_document(connection, serving_->row.id, id));
      return {};
    };
    TRY(shelf_.database().read(context_, find));
    if (!row) return std::optional<Item>();
    auto stored = texts_.get(*row);
    if (!stored) {
      const std::string text_hash = row->info.text_hash;
      TRY(shelf_.database().read(context_, find));
      if (row && row->info.text_hash == text_hash) return std::move(stored.error());
      return std::optional<Item>();  // The next pass sees what it is now.
    }
    row->fingerprint = new_fingerprint(row->fingerprint);
    return std::optional<Item>(TRY(reader_->recut(context_, *row, **stored)));
  }

  /// What an ingest would note of a document that it had cut with the new splitter.
  std::string new_fingerprint(std::string fingerprint) const {
    const std::string old = serving_->row.settings.splitter.identity();
    if (const auto at = fingerprint.find(old); at != std::string::npos)
      fingerprint.replace(at, old.size(), target_->row.settings.splitter.identity());
    return fingerprint;
  }

  Result<bool> gate(const MigrateRequest& request) {
    GoldComparison gold;
    gold.questions = static_cast<std::int64_t>(request.gold.size());
    gold.limit = request.limit;
    gold.margin = request.margin;
    const auto score = [&](const std::shared_ptr<OpenCollection>& generation) {
      return score_gold(context_, shelf_, texts_, generation, request.gold, request.limit);
    };
    gold.before = TRY(score(serving_));
    gold.after = TRY(score(target_));
    constexpr double rounding = 1e-9;
    const double lowest = -request.margin - rounding;
    gold.holds = gold.after.recall - gold.before.recall >= lowest &&
                 gold.after.ndcg - gold.before.ndcg >= lowest;
    report_.gold = gold;
    if (!gold.holds) TRY(describe());
    return gold.holds;
  }

  /// Only if nothing was committed since `version`.
  Result<void> switch_over(std::int64_t version) {
    TRY(describe());
    TRY(shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
      TRY(check_place(connection, serving_->row));
      TRY(check_place(connection, target_->row));
      if (TRY(index::version_of(connection, serving_->row.id)) != version) return {};
      report_.index_version = TRY(let_serve(connection, serving_->row, target_->row));
      report_.switched = true;
      return {};
    }));
    if (report_.switched) shelf_.forget(report_.collection);
    return {};
  }

  Result<void> describe() {
    return shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      report_.from = TRY(describe_generation(connection, serving_->row));
      report_.to = TRY(describe_generation(connection, target_->row));
      report_.index_version = report_.from.last_version;
      return {};
    });
  }

  void show_progress() {
    if (progress_) progress_(progress_state_);
  }

  const Context& context_;
  Shelf& shelf_;
  Texts& texts_;
  const ProgressSink& progress_;
  IngestRequest request_;
  std::shared_ptr<OpenCollection> serving_, target_;
  std::shared_ptr<models::Embedder> embedder_;
  std::optional<Filing> filing_;
  std::optional<ItemReader> reader_;
  IngestProgress progress_state_;
  MigrationReport report_;
};

}  // namespace

Result<MigrationReport> migrate(const Context& context, Shelf& shelf, Texts& texts,
                                const MigrateRequest& request, const ProgressSink& progress) {
  return Migrating(context, shelf, texts, progress).migrate(request);
}

Result<MigrationReport> roll_back(const Context& context, Shelf& shelf, Texts& texts,
                                  const std::string& collection, const ProgressSink& progress) {
  return Migrating(context, shelf, texts, progress).roll_back(collection);
}

}  // namespace slipway::rag::detail
