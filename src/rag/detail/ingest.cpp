// How ingest works.
//
// Files are taken in batches. The files of a batch are read, hashed, loaded and split on all cores;
// then all its new chunks are embedded on all cores in one call (so that small documents do not
// leave a core idle); then a writer thread commits its documents together (see filing.hpp) while
// the next batch is prepared. Only the newest content of a document is ever seen by the current
// version: its old chunks leave in the transaction in which the new ones come.
#include "rag/detail/ingest.hpp"

#include <chrono>
#include <set>
#include <thread>

#include "core/files.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"
#include "rag/detail/filing.hpp"
#include "rag/detail/handover.hpp"
#include "rag/detail/items.hpp"
#include "rag/detail/removal.hpp"

namespace slipway::rag::detail {

namespace {

constexpr std::size_t batch_files_max = 64;
constexpr std::uint64_t batch_bytes_max = 16u << 20;
/// Of other machines: waiting for them needs no core.
constexpr std::size_t fetch_threads = 8;

class Ingest {
 public:
  Ingest(const Context& context, Shelf& shelf, const IngestRequest& request,
         const ProgressSink& progress)
      : context_(context), shelf_(shelf), request_(request), progress_(progress) {}

  Result<IngestReport> run();

 private:
  Result<void> take_in();
  Result<bool> reads_images();
  Result<void> open();
  Result<void> process();
  Result<Batch> read_batch(std::size_t& at);
  Result<void> embed(Batch& batch);
  void write(Batch batch);
  Result<void> delete_missing();
  Result<void> estimate(const std::vector<std::string_view>& texts);
  void account(const Item& item);
  void report_progress(const std::string& current);

  const Context& context_;
  Shelf& shelf_;
  const IngestRequest& request_;
  const ProgressSink& progress_;

  CollectionSettings settings_;
  std::shared_ptr<OpenCollection> collection_;  // Empty only in a dry run on a new collection.
  bool is_filling_ = false;
  std::shared_ptr<models::Embedder> embedder_;
  std::optional<Filing> filing_;              // Empty in a dry run.
  std::unique_ptr<Contextualizer> contexts_;  // Empty: none are wanted.
  Origins origins_;
  std::map<std::string, KnownDocument> known_;
  std::optional<GoneDocuments> gone_;
  std::optional<ItemReader> reader_;
  /// Of each source that was read: the uris of its documents. Written by the main thread.
  std::map<std::string, std::set<std::string>> present_;
  std::set<std::string> seen_texts_;  // Dry run: hashes that an earlier batch would have embedded.

  std::mutex mutex_;  // Guards the two below, written by the writer thread and the main one.
  IngestReport report_;
  IngestProgress done_;
};

Result<IngestReport> Ingest::run() {
  const auto start = std::chrono::steady_clock::now();
  if (request_.sources.empty() && request_.documents.empty())
    return fail(Code::invalid_argument, "no source is given; name a file or a folder to ingest");
  origins_ = TRY(Origins::find(context_, request_, TRY(reads_images())));
  report_.collection = request_.collection;
  report_.failed = origins_.failures();
  done_.documents_total = static_cast<std::int64_t>(origins_.all().size());
  const auto taken = take_in();
  if (is_filling_) {
    const bool has_failed = !taken || !report_.failed.empty();
    if (const auto ended = shelf_.end_filling(*collection_, has_failed); !ended)
      log::warning("an empty collection stays: {}", ended.error().message());
  }
  TRY(taken);
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(report_);
}

Result<void> Ingest::take_in() {
  TRY(open());
  TRY(process());
  if (request_.sync && !request_.dry_run) TRY(delete_missing());
  if (!request_.dry_run) {
    TRY(prune(context_, shelf_, *collection_));
    TRY(sweep_texts(context_, shelf_));
    // What a failed document has paid for is kept for the next try.
    if (report_.failed.empty()) TRY(sweep_contexts(context_, shelf_));
    // Deleted documents leave the index's files now, replaced ones when it pays.
    TRY(collection_->index->seal(context_, {.purge = report_.deleted > 0}));
  }
  if (contexts_) report_.cost_usd += contexts_->spent_usd();
  if (collection_)
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      report_.index_version = TRY(collection_->index->version(connection));
      return {};
    }));
  return {};
}

/// Whether the collection's embedder does, before the collection is made.
Result<bool> Ingest::reads_images() {
  const auto existing = shelf_.open(context_, request_.collection);
  if (!existing && existing.error().code() != Code::not_found) return existing.error();
  const std::string name =
      existing ? (*existing)->row.settings.embedder
               : shelf_.settings_for(request_.collection, request_.settings).embedder;
  return TRY(shelf_.catalog().embedder(context_, name))->reads_images();
}

Result<void> Ingest::open() {
  if (request_.dry_run) {
    auto existing = shelf_.open(context_, request_.collection);
    if (existing)
      collection_ = *existing;
    else if (existing.error().code() != Code::not_found)
      return std::move(existing.error());
    settings_ = collection_ ? collection_->row.settings
                            : shelf_.settings_for(request_.collection, request_.settings);
    embedder_ = TRY(shelf_.catalog().embedder(context_, settings_.embedder));
  } else {
    collection_ = TRY(shelf_.begin_filling(context_, request_.collection, request_.settings));
    is_filling_ = true;
    settings_ = collection_->row.settings;
    embedder_ = TRY(shelf_.embedder(context_, *collection_));
    filing_.emplace(context_, shelf_, *collection_, *embedder_);
  }
  std::string fingerprint = fmt::format("loader {} splitter {}", documents::loader_version,
                                        settings_.splitter.identity());
  if (!(request_.loading.json == documents::JsonRules()))
    fingerprint += " json " + json::dump_canonical(json::to(request_.loading.json));
  if (settings_.contextual) {
    contexts_ = TRY(Contextualizer::open(context_, shelf_, *settings_.contextual));
    fingerprint += " contextual " + contexts_->identity();
  }
  if (collection_)
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      known_ = TRY(known_documents(connection, collection_->row.id));
      return {};
    }));
  gone_.emplace(known_, origins_.files().files);
  reader_.emplace(request_, settings_, std::move(fingerprint), *embedder_, contexts_.get(), known_,
                  *gone_);
  return {};
}

Result<void> Ingest::process() {
  Handover<Batch> handover;
  std::jthread writer([&] {
    while (auto batch = handover.take()) write(std::move(*batch));
  });
  Result<void> outcome;
  for (std::size_t at = 0; outcome && at < origins_.all().size();) {
    auto batch = read_batch(at);
    outcome = batch ? embed(*batch) : Result<void>(std::move(batch.error()));
    if (outcome) handover.put(std::move(*batch));
  }
  handover.close();
  return outcome;  // The writer finishes what it has: every document in it is whole.
}

/// Reads the next origins at once; every failure stays with its item.
Result<Batch> Ingest::read_batch(std::size_t& at) {
  const std::vector<Origin>& origins = origins_.all();
  const std::size_t first = at;
  std::uint64_t bytes = 0;
  bool has_remote = false;
  for (; at < origins.size() && at - first < batch_files_max && bytes < batch_bytes_max; ++at) {
    bytes += origins[at].file.size_bytes;
    has_remote = has_remote || origins[at].connector != nullptr;
  }
  std::vector<std::vector<Item>> by_origin(at - first);
  const std::size_t threads = has_remote ? std::max(core_count(), fetch_threads) : core_count();
  TRY(parallel_for(context_, by_origin.size(), threads, [&](std::size_t i) {
    by_origin[i] = reader_->read(context_, origins[first + i]);
    return Result<void>();
  }));
  Batch batch;
  for (std::vector<Item>& items : by_origin) {
    const std::lock_guard lock(mutex_);
    done_.documents_total += static_cast<std::int64_t>(items.size()) - 1;
    for (Item& item : items) {
      if (item.change == Change::gone) {
        present_[item.file.uri];  // Nothing of it.
        if (request_.sync) continue;
        item.change = Change::failed;
      }
      const bool is_read = !item.row.info.content_hash.empty();
      if (is_read) present_[item.file.uri].insert(item.row.info.uri);
      batch.items.push_back(std::move(item));
    }
  }
  return batch;
}

Result<void> Ingest::embed(Batch& batch) {
  if (request_.dry_run)
    return estimate(TRY(unknown_texts(context_, shelf_, collection_.get(), batch)).texts);
  const models::Usage usage = TRY(filing_->embed(batch, [&](std::int64_t embedded) {
    const std::lock_guard lock(mutex_);
    done_.chunks_done += embedded;
    report_progress(done_.current);
  }));
  const std::lock_guard lock(mutex_);
  report_.tokens += usage.embedding_tokens;
  if (const auto price = shelf_.catalog().price(settings_.embedder))
    report_.cost_usd += price->of(usage);
  return {};
}

/// A dry run embeds a few chunks of the batch to know the machine's speed, and keeps nothing; a
/// model that has a price is not asked, only its price.
Result<void> Ingest::estimate(const std::vector<std::string_view>& texts) {
  constexpr std::size_t sample_size = 8;
  if (!report_.estimate) report_.estimate.emplace();
  IngestEstimate& estimate = *report_.estimate;
  std::int64_t tokens = 0;
  std::int64_t chunks = 0;
  for (const std::string_view text : texts) {
    if (!seen_texts_.insert(sha256(text)).second) continue;
    ++chunks;
    tokens += static_cast<std::int64_t>(embedder_->count_tokens(text));
  }
  if (chunks == 0) return {};
  estimate.chunks += chunks;
  estimate.tokens += tokens;
  if (const auto price = shelf_.catalog().price(settings_.embedder)) {
    models::Usage usage;
    usage.embedding_tokens = tokens;
    estimate.cost_usd += price->of(usage);
    if (price->of(usage) > 0) return {};
  }
  const std::vector<std::string_view> sample(
      texts.begin(),
      texts.begin() + static_cast<std::ptrdiff_t>(std::min(sample_size, texts.size())));
  models::Usage usage;
  const auto start = std::chrono::steady_clock::now();
  TRY(embedder_->embed(context_, sample, models::TextRole::document, &usage));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  estimate.seconds += seconds * static_cast<double>(tokens) /
                      static_cast<double>(std::max<std::int64_t>(1, usage.embedding_tokens));
  return {};
}

void Ingest::write(Batch batch) {
  if (filing_) filing_->write(batch.items, batch.vectors);
  for (const Item& item : batch.items) account(item);
  // Replaced documents are kept as long as the collection's history is.
  const bool has_replaced = std::any_of(batch.items.begin(), batch.items.end(), [](const Item& i) {
    return i.change != Change::unchanged && i.change != Change::added && i.change != Change::failed;
  });
  if (request_.dry_run || !has_replaced) return;
  if (const auto pruned = prune(context_, shelf_, *collection_); !pruned)
    log::warning("old versions stay for now: {}", pruned.error().message());
}

Result<void> Ingest::delete_missing() {
  auto gone = TRY(origins_.gone(context_, known_, present_));
  for (IngestFailure& failure : gone.failures) report_.failed.push_back(std::move(failure));
  for (const std::string& uri : gone.uris) {
    if (gone_->is_claimed(uri)) continue;
    TRY(context_.check());
    TRY(remove_document(context_, shelf_, *collection_, known_.at(uri).id));
    ++report_.deleted;
  }
  return {};
}

void Ingest::account(const Item& item) {
  const std::lock_guard lock(mutex_);
  const std::int64_t chunks = static_cast<std::int64_t>(item.chunks.size());
  switch (item.change) {
    case Change::unchanged:
    case Change::relocated: ++report_.unchanged; break;
    case Change::metadata:
    case Change::updated: ++report_.updated; break;
    case Change::moved: ++report_.moved; break;
    case Change::added: ++report_.added; break;
    case Change::gone:
    case Change::failed:
      report_.failed.push_back({item.row.info.uri, item.error->message()});
      break;
  }
  if (item.change != Change::failed) {
    report_.chunks.added += item.chunks_embedded;
    report_.chunks.reused += chunks - item.chunks_embedded;
    report_.tokens += item.splitting.embedding_tokens;
    for (const std::string& warning : item.row.info.warnings)
      report_.warnings.push_back(item.file.path + ": " + warning);
    if (report_.estimate && (item.change == Change::added || item.change == Change::updated))
      ++report_.estimate->documents;
    if (report_.estimate) report_.estimate->cost_usd += item.contexts_usd;
  }
  ++done_.documents_done;
  report_progress(item.file.path);
}

/// The caller holds `mutex_`.
void Ingest::report_progress(const std::string& current) {
  done_.current = current;
  if (progress_) progress_(done_);
}

}  // namespace

Result<IngestReport> ingest(const Context& context, Shelf& shelf, const IngestRequest& request,
                            const ProgressSink& progress) {
  return Ingest(context, shelf, request, progress).run();
}

}  // namespace slipway::rag::detail
