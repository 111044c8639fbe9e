// The index follows the database: each search asks for the committed version (one row, a few
// microseconds) and, when it is newer than what is in memory, one thread reads the difference while
// the others wait for it. So a search finds whatever was committed before it began, by any process.
#include "index/index.hpp"

#include <cstring>
#include <set>

#include "core/guarded.hpp"
#include "index/detail/search.hpp"
#include "index/detail/tables.hpp"

namespace slipway::index {

namespace {

using SnapshotPointer = std::shared_ptr<const Snapshot>;

class StoredIndex final : public Index {
 public:
  StoredIndex(store::Database& database, Options options)
      : database_(database),
        options_(std::move(options)),
        snapshot_(std::make_shared<const Snapshot>()) {}

  Result<void> put(store::Connection& transaction, const IndexedDocument& document) override {
    return Tables(transaction, options_).put(document);
  }
  Result<void> set_attributes(store::Connection& transaction, std::string_view document_id,
                              const json::Object& attributes) override {
    return Tables(transaction, options_).set_attributes(document_id, attributes);
  }
  Result<void> remove(store::Connection& transaction, std::string_view document_id) override {
    return Tables(transaction, options_).remove(document_id);
  }
  Result<std::vector<bool>> known_vectors(
      store::Connection& connection, const std::vector<std::string>& text_hashes) const override {
    return Tables(connection, options_).known_vectors(text_hashes);
  }
  Result<std::int64_t> version(store::Connection& connection) const override {
    return TRY(Tables(connection, options_).state()).version;
  }

  Result<void> refresh(const Context& context) const override {
    TRY(current(context));
    return {};
  }

  Result<Found> search(const Context& context, const Query& query) const override {
    const SnapshotPointer snapshot = TRY(current(context));
    return search_snapshot(context, *snapshot, query, options_);
  }

  Result<std::vector<float>> vector(const Context& context,
                                    std::string_view chunk_id) const override;
  Result<Stats> stats(const Context& context) const override;

 private:
  /// The committed state, loaded.
  Result<SnapshotPointer> current(const Context& context) const {
    CollectionState state;
    TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
      state = TRY(Tables(connection, options_).state());
      return {};
    }));
    if (SnapshotPointer loaded = loaded_if_new(state)) return loaded;
    std::unique_lock lock(refreshing_, std::defer_lock);
    while (!lock.try_lock_for(std::chrono::milliseconds(10))) TRY(context.check());
    if (SnapshotPointer loaded = loaded_if_new(state)) return loaded;
    SnapshotPointer old = snapshot_.with([](const SnapshotPointer& s) { return s; });
    TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
      old = std::make_shared<const Snapshot>(TRY(load(context, connection, options_, *old)));
      return {};
    }));
    snapshot_.with([&](SnapshotPointer& s) { s = old; });
    return old;
  }

  /// What is in memory, if it is at least as new as `state`.
  SnapshotPointer loaded_if_new(const CollectionState& state) const {
    return snapshot_.with([&](const SnapshotPointer& s) {
      return s->epoch == state.epoch && s->version >= state.version ? s : nullptr;
    });
  }

  store::Database& database_;
  const Options options_;
  mutable Guarded<SnapshotPointer> snapshot_;
  mutable std::timed_mutex refreshing_;
};

Result<std::vector<float>> StoredIndex::vector(const Context& context,
                                               std::string_view chunk_id) const {
  std::vector<float> vector;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    store::Statement s = TRY(connection.prepare(
        "SELECT v.vector FROM index_chunks c JOIN index_vectors v ON v.row=c.vector "
        "WHERE c.collection=? AND c.id=?"));
    if (!TRY(s.bind(0, options_.collection).bind(1, chunk_id).step()))
      return fail(Code::not_found, "chunk {} is not in the index", chunk_id);
    vector.resize(s.blob(0).size() / sizeof(float));
    std::memcpy(vector.data(), s.blob(0).data(), vector.size() * sizeof(float));
    return {};
  }));
  return vector;
}

Result<Stats> StoredIndex::stats(const Context& context) const {
  const SnapshotPointer snapshot = TRY(current(context));
  Stats stats;
  stats.version = snapshot->version;
  stats.documents = snapshot->documents();
  stats.chunks = snapshot->chunks();
  stats.segments = snapshot->segments.size();
  std::set<std::string_view> words;
  for (const SegmentView& view : snapshot->segments) {
    stats.memory_bytes += view.segment->bytes();
    for (const AttributesPointer& attributes : *view.attributes)
      stats.memory_bytes += attributes->bytes() + sizeof attributes;
    const Dictionary& dictionary = view.segment->dictionary();
    if (snapshot->segments.size() == 1) stats.terms = dictionary.size();
    for (std::uint32_t w = 0; w < dictionary.size() && snapshot->segments.size() > 1; ++w)
      words.insert(dictionary.word(w));
  }
  stats.terms = std::max(stats.terms, words.size());
  return stats;
}

}  // namespace

Result<std::int64_t> version_of(store::Connection& connection, std::int64_t collection) {
  return TRY(Tables(connection, {.collection = collection, .embedder = ""}).state()).version;
}

Result<std::unique_ptr<Index>> Index::open(const Context& context, store::Database& database,
                                           Options options) {
  if (options.dimension < 1 || options.dimension > 65'536)
    return fail(Code::invalid_argument, "dimension: {} is out of range 1..65536",
                options.dimension);
  if (options.embedder.empty())
    return fail(Code::invalid_argument, "embedder: the name of the model is missing");
  TRY(check_language(options.language));
  TRY(database.read(context, [&](store::Connection& connection) {
    return Tables(connection, options).check_settings();
  }));
  return std::unique_ptr<Index>(std::make_unique<StoredIndex>(database, std::move(options)));
}

}  // namespace slipway::index
