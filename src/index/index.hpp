// The searchable form of a collection: BM25 and vectors over chunks, filters over documents.
//
// SQLite holds everything (tables index_*); an `Index` keeps immutable segments of it in memory or
// maps them from files that are derived from it, and follows what other processes commit. A search
// sees one snapshot. Scores are exact and orders deterministic: ties are broken by chunk id. Which
// chunks are scored is exact for small collections and selections, and by codes with a bound of
// their error for large ones (measured recall: `measure_recall`). Ranking: BM25 as Lucene's
// (k1 1.2, b 0.75), cosine, fusion by `Fusion`.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "index/filter.hpp"
#include "index/versions.hpp"
#include "store/database.hpp"

namespace slipway::index {

/// Schema of the index_* tables; pass it to `Database::open`.
const std::vector<store::Migration>& migrations();

struct IndexedChunk {
  std::string id;         ///< Unique in the collection.
  std::string text;       ///< What is searched lexically; not stored here.
  std::string text_hash;  ///< "sha256:..." of `embedded text`; with the embedder's name the key of
                          ///< its vector.
  std::vector<float> vector;  ///< Unit length. Empty: `known_vectors` has it already.
};

struct IndexedDocument {
  std::string id;
  /// {"metadata":{...},"uri":...,"path":...,"title":...,"media_type":...,"ingested_at":...,
  /// "modified_at":...}
  json::Object attributes;
  std::vector<IndexedChunk> chunks;
};

enum class SearchMode { hybrid, dense, lexical };
BOOST_DESCRIBE_ENUM(SearchMode, hybrid, dense, lexical)
enum class Fusion { relative_score, rrf };
BOOST_DESCRIBE_ENUM(Fusion, relative_score, rrf)

struct Query {
  std::string text;
  std::vector<float> vector;  ///< Unit length; empty only in mode lexical.
  SearchMode mode = SearchMode::hybrid;
  std::size_t limit = 10;  ///< 1..1000
  Filter filter;
  Fusion fusion = Fusion::relative_score;
  double dense_weight = 0.5;            ///< 0..1 in hybrid; the lexical part has the rest.
  bool exact = false;                   ///< Read every vector: the truth to measure recall by.
  std::optional<std::int64_t> version;  ///< Absent: the current one.
  /// Attributes of documents ("title", "path") whose words count too, and how much: the BM25 score
  /// of each is added with its weight, 0..100, to that of the text. Empty: the text alone counts.
  std::map<std::string, double> field_weights;
};

struct Hit {
  std::string chunk_id;
  std::string document_id;
  double score = 0;
  std::optional<double> dense;    ///< Cosine -1..1; absent in mode lexical.
  std::optional<double> lexical;  ///< BM25; absent when no query word is in the chunk, and in
                                  ///< mode dense.
  std::optional<int> dense_rank;  ///< 1-based, among the best of that part (100 at least).
  std::optional<int> lexical_rank;
};

struct SearchTiming {
  double lexical_ms = 0, dense_ms = 0, fuse_ms = 0;
};

/// What a search read, for `explain`.
struct SearchPlan {
  std::size_t codes_read = 0;    ///< Chunks whose code was looked at; 0 for an exact scan.
  std::size_t vectors_read = 0;  ///< Chunks whose vector was.
  std::size_t chunks = 0;        ///< Of the version.
  std::size_t segments = 0;
};

struct Found {
  std::vector<Hit> hits;     ///< Exactly min(limit, matches) in modes hybrid and dense; in lexical
                             ///< only chunks with a query word.
  std::size_t matches = 0;   ///< Chunks that pass the filter.
  std::int64_t version = 0;  ///< Index version that was searched.
  SearchTiming timing;
  SearchPlan plan;
};

/// One segment of the index.
struct SegmentInfo {
  std::string file;  ///< Empty in memory.
  std::size_t documents = 0, chunks = 0;
  std::size_t dead_documents = 0;  ///< Still in it, never found; a merge leaves them out.
  std::size_t bytes = 0;
  bool has_codes = false;
};
BOOST_DESCRIBE_STRUCT(SegmentInfo, (), (file, documents, chunks, dead_documents, bytes, has_codes))

struct Stats {
  std::size_t documents = 0, chunks = 0, terms = 0;
  std::size_t memory_bytes = 0;  ///< Of segments in memory.
  std::size_t mapped_bytes = 0;  ///< Of segment files.
  std::int64_t version = 0;
  std::vector<SegmentInfo> segments;
};
BOOST_DESCRIBE_STRUCT(Stats, (),
                      (documents, chunks, terms, memory_bytes, mapped_bytes, version, segments))

/// How much of the truth searches find.
struct Recall {
  std::size_t queries = 0;
  bool is_live = false;     ///< The queries were asked lately; else they are vectors of chunks.
  double recall_at_10 = 1;  ///< 0..1, of an exact scan's results.
};
BOOST_DESCRIBE_STRUCT(Recall, (), (queries, is_live, recall_at_10))

/// What an erasure deleted.
struct Erased {
  std::int64_t rows = 0;  ///< Documents, of all versions.
  std::int64_t chunks = 0;
  std::int64_t vectors = 0;
};

/// Whether a collection may be made with this language. Fails: invalid_argument with those that
/// there are.
Result<void> check_language(std::string_view language);

struct SealOptions {
  bool purge = false;  ///< Also rewrite each segment that holds a deleted document.
};

/// Safe to use from many threads; the writing members take part in the caller's transaction and
/// become visible to searches of any process after it commits.
class Index {
 public:
  struct Options {
    std::int64_t collection = 0;  ///< Row id of the collection.
    std::string embedder;         ///< Name and hash of the model that made the vectors.
    std::size_t dimension = 0;
    std::string language = "english";  ///< Snowball stemmer and stop words; "none" for neither.
    /// Where segment files are; empty: none are read or written. May be deleted at any time.
    std::filesystem::path folder = {};
  };
  /// Cheap: checks the settings against those that the collection was made with; its content is
  /// read by the first `refresh`, `search` or `stats`. `database` must outlive the index.
  /// Fails: invalid_argument (options), conflict (another embedder or language).
  static Result<std::unique_ptr<Index>> open(const Context& context, store::Database& database,
                                             Options options);
  virtual ~Index() = default;

  /// Replaces the document if it is there; what it was stays for the versions before, until
  /// `prune`. A transaction raises the version by one however many documents it changes. Fails:
  /// conflict (a chunk id of another document; a vector that was known and is not any more: embed
  /// again), invalid_argument (a vector of wrong size or length).
  virtual Result<void> put(store::Connection& transaction, const IndexedDocument& document) = 0;
  /// New attributes, nothing else; embeds and tokenizes nothing. Fails: not_found.
  virtual Result<void> set_attributes(store::Connection& transaction, std::string_view document_id,
                                      const json::Object& attributes) = 0;
  /// From the next version on. Absent is success.
  virtual Result<void> remove(store::Connection& transaction, std::string_view document_id) = 0;
  /// From all versions, with the vectors that nothing else refers to. Gives how many rows went;
  /// absent is success. Segment files that have it still must be rewritten: `seal` with `purge`.
  virtual Result<Erased> erase(store::Connection& transaction, std::string_view document_id) = 0;
  /// Which of these text hashes have a vector of this embedder already (from any collection), in
  /// order.
  virtual Result<std::vector<bool>> known_vectors(
      store::Connection& connection, const std::vector<std::string>& text_hashes) const = 0;
  /// The committed version of the collection.
  virtual Result<std::int64_t> version(store::Connection& connection) const = 0;

  /// Loads what has been committed since the last call, so that the next search need not. A server
  /// calls it once before it says that it is ready.
  virtual Result<void> refresh(const Context& context) const = 0;
  /// Sees everything that was committed before the call. An older version is read from the
  /// database when it is first asked for. Fails: invalid_argument (limit, vector), not_found (a
  /// version that is not kept), deadline_exceeded, cancelled, and as `Database::read`.
  virtual Result<Found> search(const Context& context, const Query& query) const = 0;
  /// The stored vector of a chunk, for MMR, reranking and tests; the youngest, where versions
  /// differ. Fails: not_found.
  virtual Result<std::vector<float>> vector(const Context& context,
                                            std::string_view chunk_id) const = 0;
  virtual Result<Stats> stats(const Context& context) const = 0;
  /// Compares searches with exact scans: the last queries if there were any, else chunks' vectors.
  virtual Result<Recall> measure_recall(const Context& context, std::size_t queries) const = 0;

  /// Reads every segment file whole; one line per fault. What is damaged is set aside, as when a
  /// search finds it. Fails: as search.
  virtual Result<std::vector<std::string>> verify(const Context& context) const = 0;

  /// Writes what is in memory to segment files and merges small ones, so that the next process
  /// opens quickly. Searches and writers go on meanwhile. A damaged file is set aside when it is
  /// found, and what it held is served from the database until this has been called. Fails:
  /// unavailable (the disk; nothing is lost), cancelled, deadline_exceeded.
  virtual Result<void> seal(const Context& context, const SealOptions& options = {}) = 0;
};

/// The committed version of a collection, 0 when nothing was ever put into it. Needs no open index.
Result<std::int64_t> version_of(store::Connection& connection, std::int64_t collection);

/// Deletes everything of a collection inside the caller's transaction.
Result<void> drop_collection(store::Connection& transaction, std::int64_t collection);

/// After the commit of `drop_collection`: the segment files go too.
void remove_segment_files(const std::filesystem::path& folder, std::int64_t collection);

/// Words as the lexical index sees them: Unicode segmentation, folding, stop words, stems. For
/// citation checks and tests.
std::vector<std::string> analyze(std::string_view text, std::string_view language = "english");

}  // namespace slipway::index
