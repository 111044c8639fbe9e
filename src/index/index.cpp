// The index follows the database: each search asks for the committed version (one row, a few
// microseconds) and, when it is newer than what is in memory, one thread reads the difference while
// the others wait for it. So a search finds whatever was committed before it began, by any process.
#include "index/index.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>

#include "core/guarded.hpp"
#include "core/log.hpp"
#include "index/detail/loading.hpp"
#include "index/detail/sealing.hpp"
#include "index/detail/search.hpp"
#include "index/detail/tables.hpp"

namespace slipway::index {

namespace {

using SnapshotPointer = std::shared_ptr<const Snapshot>;

// Queries that recall is measured by.
constexpr std::size_t asked_max = 64;
// Old versions in memory: two are compared with each other.
constexpr std::size_t past_max = 2;

/// Vectors spread over the collection.
std::vector<std::vector<float>> vectors_of_chunks(const Snapshot& snapshot, std::size_t count) {
  std::vector<std::vector<float>> vectors;
  const std::size_t step =
      std::max<std::size_t>(1, snapshot.chunks() / std::max<std::size_t>(1, count));
  for (const SegmentView& view : snapshot.segments) {
    const Segment& segment = *view.segment;
    for (std::uint32_t c = 0; c < segment.chunks() && vectors.size() < count;
         c += static_cast<std::uint32_t>(step)) {
      if (view.is_dead(segment.document_of(c)) || !segment.check_vectors(c, 1)) continue;
      const float* row = segment.vectors().row(c);
      vectors.emplace_back(row, row + segment.dimension());
    }
  }
  return vectors;
}

/// What an old version saw, until the next deletion from the past.
struct Past {
  std::int64_t erasures = 0;
  SnapshotPointer snapshot;
};

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
  Result<Erased> erase(store::Connection& transaction, std::string_view document_id) override {
    return Tables(transaction, options_).erase(document_id);
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
    TRY(check_query(query, options_));
    auto found = search_once(context, query);
    // A vector in a file was not what had been written: without that file, once more.
    for (int again = 0; !found && again < 3 && TRY(set_aside_damaged(context)); ++again)
      found = search_once(context, query);
    return found;
  }

  Result<std::vector<float>> vector(const Context& context,
                                    std::string_view chunk_id) const override;
  Result<Stats> stats(const Context& context) const override;
  Result<Recall> measure_recall(const Context& context, std::size_t queries) const override;
  Result<std::vector<std::string>> verify(const Context& context) const override;
  Result<void> seal(const Context& context, const SealOptions& seal_options) override;

 private:
  Result<Found> search_once(const Context& context, const Query& query) const {
    const SnapshotPointer snapshot = TRY(seen_by(context, query.version));
    auto found = search_snapshot(context, *snapshot, query, options_);
    if (found && found->plan.codes_read > 0)
      asked_.with([&](std::deque<std::vector<float>>& asked) {
        asked.push_back(query.vector);
        if (asked.size() > asked_max) asked.pop_front();
      });
    return found;
  }

  /// The version that is asked for.
  Result<SnapshotPointer> seen_by(const Context& context,
                                  std::optional<std::int64_t> version) const {
    const SnapshotPointer present = TRY(current(context));
    if (!version || *version == present->version) return present;
    SnapshotPointer snapshot;
    TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
      const History history = TRY(history_of(connection, options_.collection));
      if (!history.has(*version))
        return fail(Code::not_found,
                    "version {} is not kept: there are {} to {}, and those of snapshots", *version,
                    history.oldest, history.current);
      const std::int64_t erasures = TRY(Tables(connection, options_).state()).erasures;
      snapshot = known_past(present->epoch, erasures, *version);
      if (snapshot) return {};
      snapshot = std::make_shared<const Snapshot>(
          TRY(load_version(context, connection, options_, *present, *version)));
      remember_past(erasures, snapshot);
      return {};
    }));
    return snapshot;
  }

  SnapshotPointer known_past(std::int64_t epoch, std::int64_t erasures,
                             std::int64_t version) const {
    return past_.with([&](const std::deque<Past>& past) -> SnapshotPointer {
      for (const Past& p : past)
        if (p.erasures == erasures && p.snapshot->epoch == epoch && p.snapshot->version == version)
          return p.snapshot;
      return nullptr;
    });
  }

  void remember_past(std::int64_t erasures, const SnapshotPointer& snapshot) const {
    past_.with([&](std::deque<Past>& past) {
      past.push_back({erasures, snapshot});
      if (past.size() > past_max) past.pop_front();
    });
  }

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
    return reload(context);
  }

  /// Reads what has been committed; `refreshing_` is held. Files that cannot be used are set aside.
  Result<SnapshotPointer> reload(const Context& context) const {
    const SnapshotPointer old = snapshot_.with([](const SnapshotPointer& s) { return s; });
    Loaded loaded;
    TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
      loaded = TRY(load(context, connection, options_, *old, distrusted_));
      return {};
    }));
    auto next = std::make_shared<const Snapshot>(std::move(loaded.snapshot));
    snapshot_.with([&](SnapshotPointer& s) { s = next; });
    distrust(context, loaded.damaged);
    return next;
  }

  /// The files stay out of use in this process even when the disk refuses to set them aside.
  void distrust(const Context& context, const std::vector<std::string>& files) const {
    if (files.empty()) return;
    distrusted_.insert(distrusted_.end(), files.begin(), files.end());
    if (auto done = quarantine(context, database_, options_, files); !done)
      log::warning("damaged segments could not be set aside: {}", done.error().message());
  }

  /// Whether a segment of the present snapshot turned out to be damaged and is now out of use.
  Result<bool> set_aside_damaged(const Context& context) const {
    std::unique_lock lock(refreshing_, std::defer_lock);
    while (!lock.try_lock_for(std::chrono::milliseconds(10))) TRY(context.check());
    // An old version may have files that have been merged since; it is read anew.
    const bool had_past = past_.with([](std::deque<Past>& past) {
      const bool had = !past.empty();
      past.clear();
      return had;
    });
    std::vector<std::string> damaged;
    const SnapshotPointer snapshot = snapshot_.with([](const SnapshotPointer& s) { return s; });
    for (const SegmentView& view : snapshot->segments)
      if (view.segment->is_damaged()) damaged.push_back(view.segment->file());
    if (damaged.empty()) return had_past;
    for (const std::string& file : damaged)
      log::warning(
          "segment {} is damaged; it is served from the database until it has been made again",
          file);
    distrust(context, damaged);
    snapshot_.with([](SnapshotPointer& s) { s = std::make_shared<const Snapshot>(); });
    TRY(reload(context));
    return true;
  }

  /// What is in memory, if it is at least as new as `state`.
  SnapshotPointer loaded_if_new(const CollectionState& state) const {
    return snapshot_.with([&](const SnapshotPointer& s) {
      return s->epoch == state.epoch && s->version >= state.version && s->manifest >= state.manifest
                 ? s
                 : nullptr;
    });
  }

  store::Database& database_;
  const Options options_;
  mutable Guarded<SnapshotPointer> snapshot_;
  mutable Guarded<std::deque<Past>> past_;  ///< The old versions that were asked for last.
  mutable std::timed_mutex refreshing_;
  mutable std::vector<std::string> distrusted_;            ///< Files; guarded by `refreshing_`.
  mutable Guarded<std::deque<std::vector<float>>> asked_;  ///< Vectors of the last searches.
};

Result<std::vector<float>> StoredIndex::vector(const Context& context,
                                               std::string_view chunk_id) const {
  std::vector<float> vector;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    store::Statement s = TRY(connection.prepare(
        "SELECT v.vector FROM index_chunks c JOIN index_vectors v ON v.row=c.vector "
        "WHERE c.collection=? AND c.id=? ORDER BY c.document DESC LIMIT 1"));
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
  std::set<std::string_view> words;
  for (const SegmentView& view : snapshot->segments) {
    const Segment& segment = *view.segment;
    (segment.file().empty() ? stats.memory_bytes : stats.mapped_bytes) += segment.bytes();
    stats.segments.push_back({segment.file(), view.live_documents, view.live_chunks,
                              segment.documents() - view.live_documents, segment.bytes(),
                              segment.has_codes()});
    if (snapshot->segments.size() == 1) stats.terms = segment.words();
    for (std::uint32_t w = 0; w < segment.words() && snapshot->segments.size() > 1; ++w)
      words.insert(segment.word(w));
  }
  stats.terms = std::max(stats.terms, words.size());
  return stats;
}

Result<Recall> StoredIndex::measure_recall(const Context& context, std::size_t queries) const {
  const SnapshotPointer snapshot = TRY(current(context));
  Recall recall;
  std::vector<std::vector<float>> vectors;
  asked_.with([&](const auto& asked) { vectors.assign(asked.begin(), asked.end()); });
  recall.is_live = !vectors.empty();
  if (vectors.empty()) vectors = vectors_of_chunks(*snapshot, queries);
  if (vectors.size() > queries) vectors.resize(queries);
  std::size_t found = 0, expected = 0;
  for (const std::vector<float>& vector : vectors) {
    Query query;
    query.vector = vector;
    query.mode = SearchMode::dense;
    const Found got = TRY(search_snapshot(context, *snapshot, query, options_));
    query.exact = true;
    const Found truth = TRY(search_snapshot(context, *snapshot, query, options_));
    expected += truth.hits.size();
    for (const Hit& hit : truth.hits)
      found += std::any_of(got.hits.begin(), got.hits.end(),
                           [&](const Hit& h) { return h.chunk_id == hit.chunk_id; });
  }
  recall.queries = vectors.size();
  if (expected > 0)
    recall.recall_at_10 = static_cast<double>(found) / static_cast<double>(expected);
  return recall;
}

Result<std::vector<std::string>> StoredIndex::verify(const Context& context) const {
  std::vector<std::string> faults;
  const SnapshotPointer snapshot = TRY(current(context));
  const auto report = [&](std::string_view file) {
    faults.push_back(fmt::format("segment {} is damaged: set aside, and served from the database",
                                 (options_.folder / file).string()));
  };
  {
    const std::lock_guard lock(refreshing_);
    for (const std::string& file : distrusted_) report(file);
  }
  bool found = false;
  constexpr std::size_t stride = 4096;
  for (const SegmentView& view : snapshot->segments) {
    const Segment& segment = *view.segment;
    bool is_sound = true;
    for (std::size_t c = 0; c < segment.chunks() && is_sound; c += stride) {
      TRY(context.check());
      is_sound = segment.check_vectors(c, std::min(stride, segment.chunks() - c));
    }
    if (is_sound) continue;
    report(segment.file());
    found = true;
  }
  if (found) TRY(set_aside_damaged(context));
  return faults;
}

Result<void> StoredIndex::seal(const Context& context, const SealOptions& seal_options) {
  if (options_.folder.empty()) return {};
  SnapshotPointer snapshot = TRY(current(context));
  auto sealed = index::seal(context, database_, options_, *snapshot, seal_options);
  if (!sealed && TRY(set_aside_damaged(context))) {
    snapshot = TRY(current(context));
    sealed = index::seal(context, database_, options_, *snapshot, seal_options);
  }
  return TRY(std::move(sealed)) ? refresh(context) : Result<void>();
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
