// From documents to cited answers: the main corridor of Slipway.
//
//   auto library = TRY(rag::Library::open({.database = *db, .blobs = *blobs, .catalog =
//   *catalog})); TRY(library->ingest(context, {.collection = "handbook", .sources = {"docs/"}}));
//   auto answer = TRY(library->ask(context, {.collection = "handbook", .question = "How long are
//   traces kept?"}));
//
// A citation is a fact: its quote stands byte for byte at its offsets in the stored text. What an
// answer claims and no passage supports is dropped; without evidence the answer is a refusal, which
// is a success.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/connector.hpp"
#include "core/clock.hpp"
#include "core/context.hpp"
#include "documents/sources.hpp"
#include "models/catalog.hpp"
#include "models/chat_model.hpp"
#include "rag/wire.hpp"
#include "store/blobs.hpp"
#include "store/database.hpp"
#include "trace/origin.hpp"

namespace slipway::trace {
class Recorder;
}

namespace slipway::rag {

/// Schema of the rag_* tables and of the index below; pass it to `Database::open`.
std::vector<store::Migration> migrations();

/// How files are read; `loading:` of slipway.yaml. See documents::LoadOptions.
struct LoadingSettings {
  documents::JsonRules json;
  std::vector<std::string> ocr_command;
  std::vector<std::string> ocr_readable;
  /// Fails: invalid_argument (a command that is no absolute path).
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(LoadingSettings, (), (json, ocr_command, ocr_readable))

/// A document that a caller brings instead of naming where it is. Its bytes are kept, since nobody
/// else may have them.
struct GivenDocument {
  std::string uri;   ///< Its identity: 1..2048 bytes without '#', not "file:" of this machine.
  std::string path;  ///< What people read; its ending may tell the format. Empty: the uri.
  std::string media_type;  ///< Empty: decided by content and ending.
  std::string bytes;
  std::filesystem::path file;  ///< Where the bytes are instead; empty: in `bytes`.
};

struct IngestRequest {
  std::string collection = "default";
  std::vector<std::string> sources;      ///< Files, folders, globs, URLs, "confluence:..."
  std::vector<GivenDocument> documents;  ///< Beside them.
  /// Files of other folders are refused (forbidden); absent: all may be read.
  std::optional<std::vector<std::filesystem::path>> allowed_folders;
  documents::SourceOptions source_options;
  json::Object metadata;  ///< Added to every document's own metadata; wins over it.
  bool sync = false;      ///< Delete documents of the given sources that are gone.
  bool dry_run = false;   ///< Write nothing, report `estimate`.
  std::string password;   ///< For encrypted PDFs.
  LoadingSettings loading;
  connectors::Options connecting;  ///< For sources on other machines.
  /// For a new collection; must agree with an existing one where given.
  std::optional<CollectionSettings> settings;
};

struct IngestProgress {
  std::int64_t documents_done = 0, documents_total = 0;
  std::int64_t chunks_done = 0;
  std::string current;  ///< Path of the document that was finished last.
};
using ProgressSink = std::function<void(const IngestProgress&)>;

/// What is shown of a found chunk: itself, it and the chunk on each side, or its section.
enum class Expand { none, neighbours, section };
BOOST_DESCRIBE_ENUM(Expand, none, neighbours, section)

struct SearchRequest {
  std::string collection = "default";
  std::string query;
  int limit = 10;                              ///< 1..1000
  std::optional<index::SearchMode> mode = {};  ///< Absent: the collection's, else hybrid.
  std::optional<json::Value> filter;
  /// True: rerank, which needs a reranker named here or in the collection's settings. False: do
  /// not. Absent: rerank if one is named. Then the order is that of `scores.rerank`.
  std::optional<bool> rerank;
  std::string reranker;  ///< Instead of the collection's.
  int candidates = 50;   ///< How many of the best are reranked or chosen from, 1..1000.
  /// Do not show what repeats a better passage: the same text, or nearly the same vector.
  bool collapse = false;
  /// Order the candidates by maximal marginal relevance with this lambda, 0 (varied) .. 1 (near).
  /// Not with rerank, and not in mode lexical.
  std::optional<double> mmr;
  Expand expand = Expand::none;         ///< Passages that then overlap become one.
  std::optional<double> budget_usd;     ///< Refuse to spend more on embedding and reranking.
  std::optional<std::int64_t> version;  ///< Absent: the current one.
  bool explain = false;                 ///< Tell the plan.
  /// Where its runs stand; absent: there are none.
  std::optional<trace::Origin> origin = {};
  /// Of mode hybrid: how the two lists become one, and the share of the vectors, 0..1. Absent: the
  /// collection's, else relative_score and 0.5.
  std::optional<index::Fusion> fusion = {};
  std::optional<double> dense_weight = {};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(SearchRequest, (),
                      (collection, query, limit, mode, filter, rerank, reranker, candidates,
                       collapse, mmr, expand, budget_usd, version, explain, fusion, dense_weight))

struct AskRequest {
  std::string collection = "default";
  std::string question;
  AnswerMode mode = AnswerMode::automatic;  ///< automatic: the collection's.
  int limit = 8;                            ///< Passages to read, 1..50.
  std::string model;                        ///< Empty: the collection's, else the default.
  std::optional<json::Value> filter;
  std::optional<double> budget_usd;  ///< Refuse to spend more on this answer.
  bool mark_unsupported = false;  ///< Keep unsupported sentences, marked, instead of dropping them.
  std::uint64_t seed = 0;
  std::optional<bool> rerank;  ///< As of a search, and so the next two.
  std::string reranker;
  int candidates = 50;
  std::optional<std::int64_t> version;  ///< Absent: the current one.
  bool pin = false;  ///< Keep the version that was searched as long as the receipt.
  /// "answer@production", "answer@3", or "answer" for a share of its traffic; "builtin" for the one
  /// of this program. Empty: the collection's.
  std::string prompt;
  std::optional<trace::Origin> origin = {};  ///< As of a search.
  /// How passages are looked for: `mode` and the next two of a search.
  std::optional<index::SearchMode> search = {};
  std::optional<index::Fusion> fusion = {};
  std::optional<double> dense_weight = {};
};

/// About the most that a question can consume; dollars rather too many.
struct AskEstimate {
  double usd = 0;
  std::int64_t tokens = 0;
  bool is_priced = true;  ///< False: nobody knows what one of its models costs.
  std::string writer;     ///< The model that would write; empty: quotes are enough.
};

inline constexpr std::string_view built_in_prompt = "builtin";

/// A prompt with versions, of which one was chosen.
struct ChosenPrompt {
  std::string name, version;
  std::string reference;  ///< "name@version"
  std::string model;      ///< That it is meant for; may be empty.
  json::Object parameters;
  /// Its messages with these variables in their places; those that it has not are left out. Fails:
  /// invalid_argument (it has others).
  std::function<Result<std::vector<models::Message>>(const json::Object& variables)> render;
};
using ChosenPromptPtr = std::shared_ptr<const ChosenPrompt>;
/// `sticky` (a user, a session) gets the same share of the traffic each time. Fails: not_found.
using PromptChooser = std::function<Result<ChosenPromptPtr>(
    const Context&, const std::string& reference, const std::string& sticky)>;

/// What of a collection is to be made anew; absent: as it is.
struct MigrateRequest {
  std::string collection = "default";
  std::optional<std::string> embedder;
  std::optional<documents::SplitterSettings> splitter;
  /// What is absent in it is what it was before.
  std::optional<QuestionDefaults> defaults = {};
  std::vector<GoldQuestion> gold;  ///< Empty: the new one takes over when it is complete.
  double margin = 0;               ///< What a score may fall by, 0..1.
  int limit = 10;                  ///< Passages that the gold set looks at.
  Result<void> validate() const;
};

/// What a streaming caller hears before the whole answer: first the passages, then each sentence
/// once it is checked.
struct AskEvents {
  std::function<void(const std::vector<SearchItem>&)> on_passages;
  std::function<void(const Sentence&, const std::vector<Citation>& new_citations)> on_sentence;
};

/// A model as its price is looked for: see `trace::RunPatch`.
struct TracedModel {
  std::string provider, model, request_model;
};

/// Safe to use from many threads and next to other processes on the same data.
class Library {
 public:
  struct Options {
    store::Database&
        database;  ///< Opened with `migrations()`. These three must outlive the library.
    store::BlobStore& blobs;
    models::Catalog& catalog;
    /// Folder of the index's files, which are derived and may be deleted; empty: none.
    std::filesystem::path segments = {};
    const Clock& clock = system_clock();
    std::map<std::string, CollectionSettings>
        declared;  ///< From slipway.yaml: used when a collection is made.
    std::string default_embedder = std::string(models::default_embedder);
    std::string default_chat_model = std::string(models::default_chat_model);
    /// Gets the runs of what is asked with an origin; null: nobody. Must outlive the library.
    trace::Recorder* recorder = nullptr;
    /// How runs call a model of the catalog.
    std::function<TracedModel(const std::string& name)> traced_model = {};
    /// Erases the traces that have something of a document, whose id is in them; how many. Called
    /// when the document is erased; empty: there are no traces.
    std::function<Result<std::int64_t>(const Context&, const std::string& document_id)>
        erase_traces = {};
    /// Where prompts are that collections and questions name; empty: there are none.
    PromptChooser prompts = {};
  };
  static Result<std::unique_ptr<Library>> open(Options options);
  virtual ~Library() = default;

  virtual Result<std::vector<CollectionInfo>> collections(const Context&) = 0;
  /// Fails: not_found, naming the collections that exist.
  virtual Result<CollectionInfo> collection(const Context&, const std::string& name) = 0;
  /// An empty one; absent settings: what is declared for the name, else the defaults. Fails:
  /// conflict (it exists), invalid_argument (name, settings), not_found (a model).
  virtual Result<CollectionInfo> make_collection(const Context&, const std::string& name,
                                                 const std::optional<CollectionSettings>&) = 0;
  virtual Result<void> remove_collection(const Context&, const std::string& name) = 0;
  virtual Result<DocumentPage> documents(const Context&, const std::string& collection, int limit,
                                         const std::string& cursor) = 0;
  /// A living one. Fails: not_found (collection, document).
  virtual Result<DocumentInfo> document(const Context&, const std::string& collection,
                                        const std::string& document_id) = 0;
  /// The bytes that the document was made from: those that a caller brought, or the file's, as long
  /// as it is what was ingested. Fails: not_found (nobody has them any more).
  virtual Result<std::string> document_original(const Context&, const std::string& document_id) = 0;
  /// The lines of a page of a paged format and where they stand. Fails: not_found (document, page,
  /// or it has no pages).
  virtual Result<PageLayout> document_page(const Context&, const std::string& document_id,
                                           int page) = 0;
  /// The loader's text. Fails: not_found.
  virtual Result<std::string> document_text(const Context&, const std::string& document_id) = 0;
  /// Erases the document from every version, the files of the index, caches, receipts and
  /// traces.
  virtual Result<DeletionReport> remove_document(const Context&,
                                                 const std::string& document_id) = 0;

  /// One document changes in one transaction; what failed is in `failed` and the rest is in.
  /// Fails: cancelled (what is in stays in), conflict (settings), invalid_argument, unavailable.
  virtual Result<IngestReport> ingest(const Context&, const IngestRequest&,
                                      const ProgressSink& progress = {}) = 0;
  /// Fails: not_found (collection), invalid_argument (query, limit, filter).
  virtual Result<SearchReply> search(const Context&, const SearchRequest&) = 0;
  /// A refusal is a success. Fails: as search; and what the chat model fails with, in mode generate
  /// only.
  virtual Result<Answer> ask(const Context&, const AskRequest&, const AskEvents& events = {}) = 0;
  /// What `ask` would reserve; asks no model. Fails: as `ask` before its first call.
  virtual Result<AskEstimate> estimate(const Context&, const AskRequest&) {
    return AskEstimate{.is_priced = false};
  }

  /// The stored record of an answer. Fails: not_found.
  virtual Result<json::Value> receipt(const Context&, const std::string& id) = 0;
  /// Repeats the retrieval of a receipt and checks its citations against what is stored now; with
  /// `rerun` also the model.
  virtual Result<Replay> replay(const Context&, const std::string& receipt_id, bool rerun) = 0;

  /// What the index of a collection holds, and how much of an exact scan's results its searches
  /// find, by up to `recall_queries` queries (0: not measured). Fails: not_found.
  virtual Result<IndexReport> index_report(const Context&, const std::string& collection,
                                           std::size_t recall_queries) = 0;
  /// Writes and merges the index's files, and takes deleted documents out of them. Fails:
  /// not_found; unavailable (the disk; nothing is lost).
  virtual Result<void> optimize(const Context&, const std::string& collection) = 0;

  /// Fails: not_found.
  virtual Result<VersionList> versions(const Context&, const std::string& collection) = 0;
  /// "17", the name of a snapshot, or "current". Fails: not_found.
  virtual Result<std::int64_t> version_named(const Context&, const std::string& collection,
                                             const std::string& version) = 0;
  /// Keeps a version (absent: the current one) under a name of letters, digits, dots, dashes and
  /// underscores that begins with a letter. Fails: conflict (the name is taken, or the collection
  /// is empty), not_found.
  virtual Result<VersionInfo> snapshot(const Context&, const std::string& collection,
                                       const std::string& name,
                                       std::optional<std::int64_t> version) = 0;
  /// The snapshot of this name, or all snapshots and pins of a version by its number; what no other
  /// version needs is deleted. Fails: not_found.
  virtual Result<void> drop_version(const Context&, const std::string& collection,
                                    const std::string& name) = 0;
  /// What changed, and with `queries` how much they find the same. Fails: not_found.
  virtual Result<VersionDifference> compare_versions(const Context&, const std::string& collection,
                                                     std::int64_t from, std::int64_t to,
                                                     const std::vector<std::string>& queries,
                                                     int limit) = 0;
  /// Builds the collection with another embedder or splitter beside the one that serves, from the
  /// stored texts; follows what is ingested meanwhile; asks the gold set of both; and lets the new
  /// one serve, in one transaction, unless a score fell by more than the margin. An interrupted one
  /// goes on where it was. Fails: invalid_argument (nothing would change), conflict (too many
  /// changes meanwhile), cancelled, and as ingest.
  virtual Result<MigrationReport> migrate(const Context&, const MigrateRequest&,
                                          const ProgressSink& progress = {}) = 0;
  /// Lets serve what served before the last migration, with all that has been ingested since.
  /// Fails: not_found (there is none, or it is not kept any more).
  virtual Result<MigrationReport> roll_back(const Context&, const std::string& collection,
                                            const ProgressSink& progress = {}) = 0;

  /// An ingest that is noted as the run of a declared source. Fails: conflict (another process is
  /// at it), and as ingest.
  virtual Result<IngestReport> run_source(const Context&, const std::string& name,
                                          const IngestRequest&,
                                          const ProgressSink& progress = {}) = 0;
  /// The last run of each source that was ever run.
  virtual Result<std::vector<SourceRun>> source_runs(const Context&) = 0;

  /// One line per fault: texts whose bytes changed or are gone, maps that cannot be read, chunks
  /// that are not the text they say. With `repair`, such documents are removed for the next ingest
  /// to bring back, texts of no document are deleted, and the lines say so.
  virtual Result<std::vector<std::string>> check(const Context&, bool repair) = 0;
};

}  // namespace slipway::rag
