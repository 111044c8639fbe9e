// The objects of search and answers exactly as JSON shows them (docs/guides/answers.md): routes and
// commands print these structs and nothing else.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "documents/splitters.hpp"
#include "index/index.hpp"
#include "models/usage.hpp"

namespace slipway::rag {

/// A chat model says for every chunk where it stands in its document; that is embedded and indexed
/// with the chunk and never quoted.
struct ContextualSettings {
  std::string model;  ///< Empty: the default chat model.
  /// Most dollars of one ingest; absent: no limit. The model must have a price.
  std::optional<double> budget_usd;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(ContextualSettings, (), (model, budget_usd))

/// What a question of a collection uses where it does not say it itself; absent: what every
/// collection does. A tuner writes them with an index.
struct QuestionDefaults {
  std::optional<index::SearchMode> search;
  std::optional<index::Fusion> fusion;  ///< Of hybrid searches alone, as the next one.
  std::optional<double> dense_weight;   ///< 0..1
  /// "": none. Counts behind `CollectionSettings::reranker`, and so the next one behind `prompt`.
  std::optional<std::string> reranker;
  std::optional<std::string> prompt;        ///< "builtin" or "": the built in one.
  std::optional<std::string> answer;        ///< "generate", "extract"; for questions in mode auto.
  std::optional<std::string> answer_model;  ///< Instead of the catalog's default.
  /// Fails: invalid_argument.
  Result<void> validate() const;
  bool operator==(const QuestionDefaults&) const = default;
};
BOOST_DESCRIBE_STRUCT(QuestionDefaults, (),
                      (search, fusion, dense_weight, reranker, prompt, answer, answer_model))

/// What a collection is made with; fixed while it holds documents, but for the thresholds.
struct CollectionSettings {
  std::string embedder;  ///< Empty: the catalog's default.
  /// A model of task rerank that orders what every search finds; empty: none. May be changed in
  /// slipway.yaml at any time.
  std::string reranker;
  /// What answers are generated with: "answer@production", "answer@3", or "answer" for a share of
  /// its traffic. Its variables are `passages` and `question`, perhaps `refusal`. Empty: the built
  /// in one. May be changed in slipway.yaml at any time.
  std::string prompt;
  documents::SplitterSettings splitter;
  std::string language =
      "english";             ///< Stemmer and stop words of the lexical index; "none" for neither.
  double evidence_min = -1;  ///< Refuse below this evidence, 0..1; -1: the calibrated default.
  double support_min =
      -1;  ///< Drop a generated sentence below this support, 0..1; -1: the default.
  std::optional<ContextualSettings> contextual;
  /// How many versions before the current one can still be searched; each changed document is one.
  /// May be changed in slipway.yaml at any time.
  std::int64_t keep_versions = 1000;
  /// How much words of a document's "title" and "path" count beside those of a chunk's text,
  /// 0..100; absent: not. May be changed in slipway.yaml at any time.
  std::map<std::string, double> field_weights;
  /// May be changed in slipway.yaml at any time; each of them that is not there is what the
  /// collection was made or migrated with.
  QuestionDefaults defaults = {};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(CollectionSettings, (),
                      (embedder, reranker, prompt, splitter, language, evidence_min, support_min,
                       contextual, keep_versions, field_weights, defaults))

struct CollectionInfo {
  std::string name;
  std::string embedder;
  documents::SplitterSettings splitter;
  std::string language;
  std::optional<std::string> reranker;
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::int64_t index_version = 0;
  std::string created_at;
  std::optional<QuestionDefaults> defaults =
      {};  ///< As they are in force; absent: nothing is said.
};
BOOST_DESCRIBE_STRUCT(CollectionInfo, (),
                      (name, embedder, splitter, language, reranker, documents, chunks,
                       index_version, created_at, defaults))

struct DocumentInfo {
  std::string id, uri, path, title, media_type, content_hash, text_hash;
  std::int64_t size_bytes = 0;
  std::int64_t chunks = 0;
  std::int64_t tokens = 0;  ///< By the embedder's tokenizer.
  json::Value metadata = json::Object();
  std::vector<std::string> warnings;
  std::string ingested_at;
  std::optional<std::string> modified_at;
};
BOOST_DESCRIBE_STRUCT(DocumentInfo, (),
                      (id, uri, path, title, media_type, content_hash, text_hash, size_bytes,
                       chunks, tokens, metadata, warnings, ingested_at, modified_at))

struct DocumentPage {
  std::vector<DocumentInfo> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(DocumentPage, (), (items, next_cursor))

/// A page as the loader saw it, enough to draw it and what a citation's boxes mark.
struct PageLine {
  std::int64_t text_start = 0, text_end = 0;  ///< Bytes of the document's text.
  documents::Box box{};                       ///< PDF points, origin top left.
  std::string text;
};
BOOST_DESCRIBE_STRUCT(PageLine, (), (text_start, text_end, box, text))
struct PageLayout {
  std::string document_id;
  int page = 1, pages = 1;
  double width = 0, height = 0;  ///< Around all lines of all pages, in points.
  std::vector<PageLine> lines;   ///< In reading order.
};
BOOST_DESCRIBE_STRUCT(PageLayout, (), (document_id, page, pages, width, height, lines))

struct IngestFailure {
  std::string uri;
  std::string error;
};
BOOST_DESCRIBE_STRUCT(IngestFailure, (), (uri, error))

struct ChunkCounts {
  std::int64_t added = 0;   ///< Embedded now. On the wire: "new".
  std::int64_t reused = 0;  ///< Their vector was known.
};

struct IngestEstimate {
  std::int64_t documents = 0, chunks = 0, tokens = 0;
  double seconds = 0;  ///< 0 for a model that has a price: trying its speed would cost.
  double cost_usd = 0;
};
BOOST_DESCRIBE_STRUCT(IngestEstimate, (), (documents, chunks, tokens, seconds, cost_usd))

struct IngestReport {
  std::string collection;
  /// `moved`: the file is elsewhere now; its document is the same one.
  std::int64_t added = 0, updated = 0, moved = 0, unchanged = 0, deleted = 0;
  std::vector<IngestFailure> failed;
  ChunkCounts chunks;
  std::int64_t tokens = 0;  ///< Embedded now.
  double cost_usd = 0;      ///< Of what was embedded, and of the contexts written now.
  double seconds = 0;
  std::int64_t index_version = 0;
  std::vector<std::string> warnings;       ///< "guide.html: hidden text dropped: 120 characters"
  std::optional<IngestEstimate> estimate;  ///< Only of a dry run.
};
json::Value to_json(const IngestReport& report);

/// Where a passage or quote stands; see documents::Place.
struct ItemScores {
  std::optional<double> dense, lexical, rerank;
};
BOOST_DESCRIBE_STRUCT(ItemScores, (), (dense, lexical, rerank))
struct ItemRanks {
  std::optional<int> dense, lexical;
};
BOOST_DESCRIBE_STRUCT(ItemRanks, (), (dense, lexical))

struct SearchItem {
  int rank = 0;
  std::string chunk_id, document_id, uri, path, title, content_hash, text, text_hash;
  std::int64_t text_start = 0, text_end = 0;
  std::optional<std::int64_t> byte_start, byte_end;
  std::optional<int> page, page_end;
  std::optional<std::vector<documents::Box>> boxes;
  std::vector<std::string> heading_path;
  std::optional<std::string> sheet;  ///< With `row`: where in a table.
  std::optional<std::int64_t> row, row_end;
  json::Value metadata = json::Object();
  double score = 0;
  ItemScores scores;
  ItemRanks ranks;
};
BOOST_DESCRIBE_STRUCT(SearchItem, (),
                      (rank, chunk_id, document_id, uri, path, title, content_hash, text, text_hash,
                       text_start, text_end, byte_start, byte_end, page, page_end, boxes,
                       heading_path, sheet, row, row_end, metadata, score, scores, ranks))

/// How a search was done, for those who ask.
struct PlanInfo {
  std::string dense;                     ///< exact (every selected vector is read), codes, none
  std::int64_t matches = 0, chunks = 0;  ///< What passes the filter, of what there is.
  std::int64_t codes_read = 0, vectors_read = 0;
  std::int64_t segments = 0;
};
BOOST_DESCRIBE_STRUCT(PlanInfo, (), (dense, matches, chunks, codes_read, vectors_read, segments))

struct SearchReply {
  std::string collection;
  std::int64_t index_version = 0;
  std::string query;
  index::SearchMode mode = index::SearchMode::hybrid;
  std::vector<SearchItem> items;
  std::int64_t matches = 0;
  models::Usage usage;
  double cost_usd = 0;                      ///< Of the query's vector and of reranking.
  std::map<std::string, double> timing_ms;  ///< embed, lexical, dense, fuse, rerank, total.
  std::string trace_id;
  std::optional<PlanInfo> plan;  ///< With `explain`.
};
BOOST_DESCRIBE_STRUCT(SearchReply, (),
                      (collection, index_version, query, mode, items, matches, usage, cost_usd,
                       timing_ms, trace_id, plan))

struct IndexReport {
  std::string collection;
  index::Stats stats;
  std::optional<index::Recall> recall;
};
BOOST_DESCRIBE_STRUCT(IndexReport, (), (collection, stats, recall))

enum class AnswerMode { automatic, generate, extract };
std::string_view wire_name(AnswerMode mode);  ///< "auto", "generate", "extract"
Result<AnswerMode> parse_answer_mode(std::string_view name);

struct Sentence {
  std::string text;
  bool supported = true;
  double support = 0;          ///< 0..1
  std::vector<int> citations;  ///< Numbers of `Answer::citations`.
};
BOOST_DESCRIBE_STRUCT(Sentence, (), (text, supported, support, citations))

struct Citation {
  int number = 0;
  std::string chunk_id, document_id, uri, path, title, content_hash, text_hash, quote;
  std::int64_t text_start = 0, text_end = 0;
  std::optional<std::int64_t> byte_start, byte_end;
  std::optional<int> page, page_end;
  std::optional<std::vector<documents::Box>> boxes;
  std::vector<std::string> heading_path;
  std::optional<std::string> sheet;  ///< With `row`: where in a table.
  std::optional<std::int64_t> row, row_end;
  double score = 0;
};
BOOST_DESCRIBE_STRUCT(Citation, (),
                      (number, chunk_id, document_id, uri, path, title, content_hash, text_hash,
                       quote, text_start, text_end, byte_start, byte_end, page, page_end, boxes,
                       heading_path, sheet, row, row_end, score))

struct DroppedSentence {
  std::string text;
  std::string why;  ///< "number 45 is not in the evidence"
};
BOOST_DESCRIBE_STRUCT(DroppedSentence, (), (text, why))

enum class RefusalReason { no_documents, weak_evidence, nothing_supported, budget };
BOOST_DESCRIBE_ENUM(RefusalReason, no_documents, weak_evidence, nothing_supported, budget)

struct Answer {
  std::string answer;
  std::vector<Sentence> sentences;
  std::vector<Citation> citations;
  bool refused = false;
  std::optional<RefusalReason> reason;
  std::vector<SearchItem> nearest;  ///< Only when refused: up to three passages to look at.
  AnswerMode mode = AnswerMode::extract;
  std::optional<std::string> model;
  std::string collection;
  std::int64_t index_version = 0;
  std::vector<DroppedSentence> dropped;
  double evidence = 0;  ///< 0..1, what the refusal threshold is compared with.
  std::map<std::string, double>
      signals;  ///< What `evidence` was computed from; kept in the receipt only.
  models::Usage usage;
  double cost_usd = 0;
  std::map<std::string, double> timing_ms;
  std::string receipt_id, trace_id;
};
json::Value to_json(const Answer& answer);

struct DocumentName {
  std::string id, uri, path, title;
};
BOOST_DESCRIBE_STRUCT(DocumentName, (), (id, uri, path, title))

/// What a deletion took away, and that nothing is left.
struct DeletionReport {
  DocumentName document;
  std::string collection;
  std::int64_t rows = 0;  ///< Of the document, in all versions and generations.
  std::int64_t chunks = 0, vectors = 0, texts = 0, contexts = 0;
  std::int64_t receipts = 0;  ///< Answers from it: their words are gone, their hashes stay.
  std::int64_t traces = 0;    ///< Of questions that found it; they are gone.
  std::vector<std::string> snapshots;  ///< That had it, and have it no more.
  std::vector<std::string> remaining;  ///< Places that still have something of it: none.
  std::int64_t index_version = 0;
};
BOOST_DESCRIBE_STRUCT(DeletionReport, (),
                      (document, collection, rows, chunks, vectors, texts, contexts, receipts,
                       traces, snapshots, remaining, index_version))

/// A version of a collection that somebody named or pinned, or the current one.
struct VersionInfo {
  std::int64_t version = 0;
  bool is_current = false;
  std::vector<std::string> names;     ///< Of snapshots.
  std::vector<std::string> receipts;  ///< That pin it.
  std::optional<std::string> created_at;
  std::int64_t documents = 0, chunks = 0;
  std::string embedder;
  documents::SplitterSettings splitter;
};
BOOST_DESCRIBE_STRUCT(VersionInfo, (),
                      (version, is_current, names, receipts, created_at, documents, chunks,
                       embedder, splitter))

/// What a collection was before it was migrated, or after: it can serve again.
struct GenerationInfo {
  std::string embedder;
  documents::SplitterSettings splitter;
  std::string state;  ///< serving, former, building
  std::int64_t first_version = 0, last_version = 0;
  std::int64_t documents = 0, chunks = 0;
};
BOOST_DESCRIBE_STRUCT(GenerationInfo, (),
                      (embedder, splitter, state, first_version, last_version, documents, chunks))

struct VersionList {
  std::string collection;
  std::int64_t current = 0;
  std::int64_t oldest = 0;  ///< This one and all younger ones can be searched.
  std::int64_t keep_versions = 0;
  std::vector<VersionInfo> items;  ///< Youngest first.
  std::vector<GenerationInfo> generations;
};
BOOST_DESCRIBE_STRUCT(VersionList, (),
                      (collection, current, oldest, keep_versions, items, generations))

struct ChangedDocument {
  DocumentName document;
  std::vector<std::string> what;  ///< content, metadata, place (it moved)
};
BOOST_DESCRIBE_STRUCT(ChangedDocument, (), (document, what))

/// How much two versions find the same, 0..1: the mean over queries of the common part of the first
/// `limit` results.
struct Overlap {
  std::int64_t queries = 0;
  int limit = 10;
  double chunks = 0, documents = 0;
};
BOOST_DESCRIBE_STRUCT(Overlap, (), (queries, limit, chunks, documents))

struct VersionDifference {
  std::string collection;
  std::int64_t from = 0, to = 0;
  std::vector<DocumentName> added, removed;
  std::vector<ChangedDocument> changed;
  std::int64_t unchanged = 0;
  std::optional<Overlap> overlap;
};
BOOST_DESCRIBE_STRUCT(VersionDifference, (),
                      (collection, from, to, added, removed, changed, unchanged, overlap))

/// One question of a gold set: {"input": "...", "relevance": {"guide.md": 1}}. A document is named
/// by its path, uri or id; a grade of 0 means not relevant.
struct GoldQuestion {
  std::string input;
  std::map<std::string, double> relevance;
};
BOOST_DESCRIBE_STRUCT(GoldQuestion, (), (input, relevance))

struct GoldScores {
  double recall = 0, ndcg = 0;  ///< Of documents among the first `limit` passages; means, 0..1.
};
BOOST_DESCRIBE_STRUCT(GoldScores, (), (recall, ndcg))

struct GoldComparison {
  std::int64_t questions = 0;
  int limit = 10;
  double margin = 0;
  GoldScores before, after;
  bool holds = false;  ///< Neither score fell by more than the margin.
};
BOOST_DESCRIBE_STRUCT(GoldComparison, (), (questions, limit, margin, before, after, holds))

struct MigrationReport {
  std::string collection;
  GenerationInfo from, to;
  std::int64_t documents = 0;  ///< Built or changed now.
  ChunkCounts chunks;
  std::int64_t tokens = 0;
  std::optional<GoldComparison> gold;
  bool switched = false;
  std::int64_t index_version = 0;
  double seconds = 0;
};
json::Value to_json(const MigrationReport& report);

/// The last run of a declared source.
struct SourceRun {
  std::string name;
  std::string started_at;
  std::optional<std::string> finished_at;
  bool is_running = false;
  std::optional<std::string> error;  ///< Why it ended, or how many documents failed.
  json::Value report;                ///< As of an ingest; null when there is none.
};
BOOST_DESCRIBE_STRUCT(SourceRun, (), (name, started_at, finished_at, is_running, error, report))

struct ReplayedCitation {
  int number = 0;
  std::string state;  ///< valid, stale (the document has other content now), gone
};
BOOST_DESCRIBE_STRUCT(ReplayedCitation, (), (number, state))

struct Replay {
  std::string receipt_id;
  std::int64_t index_version = 0;  ///< That was searched: the recorded one, if it is kept.
  bool is_recorded_version = true;
  std::string retrieval;  ///< identical, differs
  std::vector<ReplayedCitation> citations;
  std::string answer;  ///< identical, differs, not_rerun
};
BOOST_DESCRIBE_STRUCT(Replay, (),
                      (receipt_id, index_version, is_recorded_version, retrieval, citations,
                       answer))

}  // namespace slipway::rag
