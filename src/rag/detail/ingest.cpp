// How ingest works.
//
// Files are taken in batches. The files of a batch are read, hashed, loaded and split on all cores;
// then all its new chunks are embedded on all cores in one call (so that small documents do not
// leave a core idle); then a writer thread commits each document in a transaction of its own while
// the next batch is prepared. Only the newest content of a document is ever visible: its old chunks
// leave in the transaction in which the new ones come. The text blob is written inside that
// transaction too, so a concurrent removal of the same text cannot slip between.
#include "rag/detail/ingest.hpp"

#include <chrono>
#include <set>
#include <thread>
#include <unordered_map>

#include "core/files.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"
#include "rag/detail/handover.hpp"
#include "rag/detail/items.hpp"
#include "rag/detail/removal.hpp"

namespace slipway::rag::detail {

namespace {

constexpr std::size_t batch_files_max = 64;
constexpr std::uint64_t batch_bytes_max = 16u << 20;
/// Chunks embedded between two looks at progress and cancellation.
constexpr std::size_t embed_slice = 256;

using Vectors = std::unordered_map<std::string, models::Vector>;

struct Batch {
  std::vector<Item> items;
  Vectors vectors;  // By text hash; only what was not known.
};

class Ingest {
 public:
  Ingest(const Context& context, Shelf& shelf, const IngestRequest& request,
         const ProgressSink& progress)
      : context_(context), shelf_(shelf), request_(request), progress_(progress) {}

  Result<IngestReport> run();

 private:
  Result<void> open();
  Result<void> process(documents::SourceList sources);
  Result<Batch> read_batch(const std::vector<documents::SourceFile>& files, std::size_t& at);
  Result<void> embed(Batch& batch);
  Result<std::vector<std::string>> unknown_texts(const Batch& batch,
                                                 std::vector<std::string_view>& texts);
  void write(Batch batch);
  Result<void> write_item(Item& item, const Vectors& vectors);
  Result<void> write_document(Item& item, const Vectors& vectors);
  Result<void> embed_again(const Item& item, Vectors& vectors);
  Result<void> delete_missing(const documents::SourceList& sources);
  Result<void> estimate(const std::vector<std::string_view>& texts);
  void account(const Item& item);
  void report_progress(const std::string& current);

  const Context& context_;
  Shelf& shelf_;
  const IngestRequest& request_;
  const ProgressSink& progress_;

  CollectionSettings settings_;
  std::shared_ptr<OpenCollection> collection_;  // Empty only in a dry run on a new collection.
  std::shared_ptr<models::Embedder> embedder_;
  std::unique_ptr<Contextualizer> contexts_;  // Empty: none are wanted.
  std::map<std::string, KnownDocument> known_;
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
  if (request_.sources.empty())
    return fail(Code::invalid_argument, "no source is given; name a file or a folder to ingest");
  auto sources = TRY(documents::find_sources(context_, request_.sources, request_.source_options));
  TRY(open());
  report_.collection = request_.collection;
  for (const auto& failure : sources.failures)
    report_.failed.push_back({failure.uri, failure.error.message()});
  done_.documents_total = static_cast<std::int64_t>(sources.files.size());

  TRY(process(sources));
  if (request_.sync && !request_.dry_run) TRY(delete_missing(sources));
  if (!request_.dry_run) {
    TRY(sweep_texts(context_, shelf_));
    // What a failed document has paid for is kept for the next try.
    if (report_.failed.empty()) TRY(sweep_contexts(context_, shelf_));
    // Deleted documents leave the index's files now, replaced ones when it pays.
    TRY(collection_->index->seal(context_, {.purge = report_.deleted > 0}));
  }
  if (contexts_) report_.cost_usd = contexts_->spent_usd();
  if (collection_)
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      report_.index_version = TRY(collection_->index->version(connection));
      return {};
    }));
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(report_);
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
    collection_ = TRY(shelf_.open_or_make(context_, request_.collection, request_.settings));
    settings_ = collection_->row.settings;
    embedder_ = TRY(shelf_.embedder(context_, *collection_));
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
  reader_.emplace(request_, settings_, std::move(fingerprint), *embedder_, contexts_.get(), known_);
  return {};
}

Result<void> Ingest::process(documents::SourceList sources) {
  Handover<Batch> handover;
  std::jthread writer([&] {
    while (auto batch = handover.take()) write(std::move(*batch));
  });
  Result<void> outcome;
  for (std::size_t at = 0; outcome && at < sources.files.size();) {
    auto batch = read_batch(sources.files, at);
    outcome = batch ? embed(*batch) : Result<void>(std::move(batch.error()));
    if (outcome) handover.put(std::move(*batch));
  }
  handover.close();
  return outcome;  // The writer finishes what it has: every document in it is whole.
}

/// Reads the next files on all cores; every failure stays with its item.
Result<Batch> Ingest::read_batch(const std::vector<documents::SourceFile>& files, std::size_t& at) {
  const std::size_t first = at;
  std::uint64_t bytes = 0;
  for (; at < files.size() && at - first < batch_files_max && bytes < batch_bytes_max; ++at)
    bytes += files[at].size_bytes;
  std::vector<std::vector<Item>> by_file(at - first);
  TRY(parallel_for(context_, by_file.size(), core_count(), [&](std::size_t i) {
    by_file[i] = reader_->read(context_, files[first + i]);
    return Result<void>();
  }));
  Batch batch;
  for (std::vector<Item>& items : by_file) {
    const std::lock_guard lock(mutex_);
    done_.documents_total += static_cast<std::int64_t>(items.size()) - 1;
    for (Item& item : items) {
      const bool is_read = !item.row.info.content_hash.empty();
      if (is_read) present_[item.file.uri].insert(item.row.info.uri);
      batch.items.push_back(std::move(item));
    }
  }
  return batch;
}

/// Hashes (and texts) of the batch's chunks that have no vector yet, each once.
Result<std::vector<std::string>> Ingest::unknown_texts(const Batch& batch,
                                                       std::vector<std::string_view>& texts) {
  std::vector<std::string> hashes;
  std::vector<std::string_view> all_texts;
  std::set<std::string_view> seen;
  for (const Item& item : batch.items)
    for (std::size_t i = 0; i < item.chunks.size(); ++i)
      if (seen.insert(item.vector_keys[i]).second) {
        hashes.push_back(item.vector_keys[i]);
        all_texts.push_back(item.chunk_texts[i]);
      }
  std::vector<bool> known(hashes.size(), false);
  if (collection_ && !hashes.empty())
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      known = TRY(collection_->index->known_vectors(connection, hashes));
      return {};
    }));
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < hashes.size(); ++i)
    if (!known[i]) {
      unknown.push_back(hashes[i]);
      texts.push_back(all_texts[i]);
    }
  return unknown;
}

Result<void> Ingest::embed(Batch& batch) {
  std::vector<std::string_view> texts;
  const auto hashes = TRY(unknown_texts(batch, texts));
  if (request_.dry_run) return estimate(texts);
  models::Usage usage;
  for (std::size_t from = 0; from < texts.size(); from += embed_slice) {
    TRY(context_.check());
    const std::size_t to = std::min(from + embed_slice, texts.size());
    const std::vector<std::string_view> slice(texts.begin() + static_cast<std::ptrdiff_t>(from),
                                              texts.begin() + static_cast<std::ptrdiff_t>(to));
    auto vectors = TRY(embedder_->embed(context_, slice, models::TextRole::document, &usage));
    for (std::size_t i = from; i < to; ++i) batch.vectors[hashes[i]] = std::move(vectors[i - from]);
    const std::lock_guard lock(mutex_);
    done_.chunks_done += static_cast<std::int64_t>(to - from);
    report_progress(done_.current);
  }
  std::set<std::string_view> counted;
  for (Item& item : batch.items)
    for (const std::string& key : item.vector_keys)
      if (batch.vectors.contains(key) && counted.insert(key).second) ++item.chunks_embedded;
  const std::lock_guard lock(mutex_);
  report_.tokens += usage.embedding_tokens;
  return {};
}

/// A dry run embeds a few chunks of the first batch to know the machine's speed, and keeps nothing.
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
  const std::vector<std::string_view> sample(
      texts.begin(),
      texts.begin() + static_cast<std::ptrdiff_t>(std::min(sample_size, texts.size())));
  models::Usage usage;
  const auto start = std::chrono::steady_clock::now();
  TRY(embedder_->embed(context_, sample, models::TextRole::document, &usage));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  estimate.chunks += chunks;
  estimate.tokens += tokens;
  estimate.seconds += seconds * static_cast<double>(tokens) /
                      static_cast<double>(std::max<std::int64_t>(1, usage.embedding_tokens));
  return {};
}

void Ingest::write(Batch batch) {
  for (Item& item : batch.items) {
    if (item.change != Change::failed && !request_.dry_run) {
      Result<void> written = write_item(item, batch.vectors);
      if (!written) {
        item.change = Change::failed;
        item.error = std::move(written.error());
      }
    }
    account(item);
  }
}

Result<void> Ingest::write_item(Item& item, const Vectors& vectors) {
  if (item.change == Change::unchanged) return {};
  if (item.change == Change::metadata)
    return shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
      TRY(set_metadata(connection, item.row.info.id, request_.metadata));
      const auto row = TRY(find_document(connection, item.row.info.id));
      return collection_->index->set_attributes(connection, item.row.info.id,
                                                attributes_of(row->info));
    });
  Result<void> written = write_document(item, vectors);
  if (!written && written.error().code() == Code::conflict) {
    // A vector that was known when we asked has been deleted with the last document that had it.
    Vectors complete = vectors;
    TRY(embed_again(item, complete));
    written = write_document(item, complete);
  }
  if (!written) {
    (void)release_text(context_, shelf_, item.row.info.text_hash);  // The sweep would find it too.
    return written;
  }
  if (item.change != Change::updated && item.change != Change::relocated) return {};
  const std::string& old_text = known_.at(item.row.info.uri).text_hash;
  if (old_text == item.row.info.text_hash) return {};
  return release_text(context_, shelf_, old_text);
}

Result<void> Ingest::embed_again(const Item& item, Vectors& vectors) {
  for (std::size_t i = 0; i < item.chunks.size(); ++i)
    if (!vectors.contains(item.vector_keys[i]))
      vectors[item.vector_keys[i]] =
          TRY(embedder_->embed_one(context_, item.chunk_texts[i], models::TextRole::document));
  return {};
}

Result<void> Ingest::write_document(Item& item, const Vectors& vectors) {
  item.row.collection = collection_->row.id;
  item.row.info.ingested_at = format_time(shelf_.clock().now());
  index::IndexedDocument indexed;
  indexed.id = item.row.info.id;
  indexed.attributes = attributes_of(item.row.info);
  for (std::size_t i = 0; i < item.chunks.size(); ++i) {
    const ChunkRow& chunk = item.chunks[i];
    const auto vector = vectors.find(item.vector_keys[i]);
    indexed.chunks.push_back({chunk.id, item.chunk_texts[i], item.vector_keys[i],
                              vector == vectors.end() ? models::Vector() : vector->second});
  }
  return shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
    TRY(shelf_.blobs().put(item.text));
    TRY(put_document(connection, item.row, item.chunks));
    return collection_->index->put(connection, indexed);
  });
}

Result<void> Ingest::delete_missing(const documents::SourceList& sources) {
  std::set<std::string_view> listed;
  for (const auto& file : sources.files) listed.insert(file.uri);
  for (const auto& failure : sources.failures) listed.insert(failure.uri);
  for (const auto& [uri, document] : known_) {
    const std::string source(source_of(uri));
    if (!sources.covers(source)) continue;
    // What could not be read may still hold all of its documents.
    const auto read = present_.find(source);
    if (read != present_.end() ? read->second.contains(uri) : listed.contains(source)) continue;
    TRY(context_.check());
    TRY(remove_document(context_, shelf_, *collection_, document.id, document.text_hash));
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
    case Change::added: ++report_.added; break;
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

json::Object attributes_of(const DocumentInfo& info) {
  return json::Object{{"metadata", info.metadata},
                      {"uri", info.uri},
                      {"path", info.path},
                      {"title", info.title},
                      {"media_type", info.media_type},
                      {"ingested_at", info.ingested_at},
                      {"modified_at", json::to(info.modified_at)}};
}

Result<IngestReport> ingest(const Context& context, Shelf& shelf, const IngestRequest& request,
                            const ProgressSink& progress) {
  return Ingest(context, shelf, request, progress).run();
}

}  // namespace slipway::rag::detail
