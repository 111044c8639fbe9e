// Requests and replies of the native routes that no other module has, and what their schemas say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/jobs.hpp"
#include "http/api.hpp"
#include "rag/library.hpp"

namespace slipway::api::detail {

/// Lists are long at most so much; see `Library::documents`.
struct Paging {
  int limit = 100;
  std::string cursor;
};
BOOST_DESCRIBE_STRUCT(Paging, (), (limit, cursor))

struct CollectionPath {
  std::string collection;
};
BOOST_DESCRIBE_STRUCT(CollectionPath, (), (collection))

struct CollectionPaging : CollectionPath, Paging {};
BOOST_DESCRIBE_STRUCT(CollectionPaging, (CollectionPath, Paging), ())

struct DocumentPath : CollectionPath {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(DocumentPath, (CollectionPath), (id))

struct PagePath : DocumentPath {
  int page = 1;
};
BOOST_DESCRIBE_STRUCT(PagePath, (DocumentPath), (page))

struct IdPath {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdPath, (), (id))

struct VersionPath : CollectionPath {
  std::string version;
};
BOOST_DESCRIBE_STRUCT(VersionPath, (CollectionPath), (version))

struct DifferencePath : CollectionPath {
  std::string version;
  std::vector<std::string> query;
  int limit = 10;
};
BOOST_DESCRIBE_STRUCT(DifferencePath, (CollectionPath), (version, query, limit))

struct IndexPath : CollectionPath {
  int recall_queries = 0;
};
BOOST_DESCRIBE_STRUCT(IndexPath, (CollectionPath), (recall_queries))

struct IngestPath : CollectionPath {
  bool wait = false;
};
BOOST_DESCRIBE_STRUCT(IngestPath, (CollectionPath), (wait))

struct About {
  std::string name, version;
};
BOOST_DESCRIBE_STRUCT(About, (), (name, version))

/// An object of any members.
struct AnyObject {
  json::Value value;
};

struct ModelList {
  std::vector<models::ModelInfo> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ModelList, (), (items, next_cursor))

struct CollectionList {
  std::vector<rag::CollectionInfo> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(CollectionList, (), (items, next_cursor))

struct NewCollection {
  std::string name;
  std::optional<rag::CollectionSettings> settings;
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(NewCollection, (), (name, settings))

/// A document by its text, or a source that the server reads itself.
struct IngestBody {
  std::string uri;
  std::string media_type;
  std::optional<std::string> text;
  json::Object metadata;
  bool sync = false;
  static constexpr std::string_view required[] = {"uri"};
};
BOOST_DESCRIBE_STRUCT(IngestBody, (), (uri, media_type, text, metadata, sync))

struct UploadFields {
  json::Object metadata;
  std::string password;
};
BOOST_DESCRIBE_STRUCT(UploadFields, (), (metadata, password))

struct JobReply {
  JobInfo job;
};
BOOST_DESCRIBE_STRUCT(JobReply, (), (job))

struct AskBody {
  std::string question;
  std::string collection = "default";
  std::string mode = "auto";
  int limit = 8;
  std::string model;
  std::optional<json::Value> filter;
  std::optional<double> budget_usd;
  bool mark_unsupported = false;
  std::uint64_t seed = 0;
  std::optional<bool> rerank;
  std::string reranker;
  int candidates = 50;
  std::optional<std::int64_t> version;
  bool pin = false;
  std::string prompt;
  std::optional<index::SearchMode> search;
  std::optional<index::Fusion> fusion;
  std::optional<double> dense_weight;
  bool stream = false;
  static constexpr std::string_view required[] = {"question"};
};
BOOST_DESCRIBE_STRUCT(AskBody, (),
                      (question, collection, mode, limit, model, filter, budget_usd,
                       mark_unsupported, seed, rerank, reranker, candidates, version, pin, prompt,
                       search, fusion, dense_weight, stream))

/// Events of an answer.
struct PassagesEvent {
  std::vector<rag::SearchItem> items;
};
BOOST_DESCRIBE_STRUCT(PassagesEvent, (), (items))
struct SentenceEvent {
  std::string text;
  bool supported = true;
  double support = 0;
  std::vector<int> citations;
  std::vector<rag::Citation> new_citations;  ///< Those that no event before had.
};
BOOST_DESCRIBE_STRUCT(SentenceEvent, (), (text, supported, support, citations, new_citations))

struct ReplayBody {
  bool rerun = false;
};
BOOST_DESCRIBE_STRUCT(ReplayBody, (), (rerun))

struct SnapshotBody {
  std::string name;
  std::optional<std::int64_t> version;
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(SnapshotBody, (), (name, version))

struct MigrateBody {
  std::optional<std::string> embedder;
  std::optional<documents::SplitterSettings> splitter;
  std::vector<rag::GoldQuestion> gold;
  double margin = 0;
  int limit = 10;
  std::optional<rag::QuestionDefaults> defaults;
};
BOOST_DESCRIBE_STRUCT(MigrateBody, (), (embedder, splitter, gold, margin, limit, defaults))

// What `rag::to_json` writes, as structs that only schemas see.
struct ChunksShape {};
BOOST_DESCRIBE_STRUCT(ChunksShape, (), ())

struct AnswerShape {
  std::string answer;
  std::vector<rag::Sentence> sentences;
  std::vector<rag::Citation> citations;
  bool refused = false;
  std::optional<rag::RefusalReason> reason;
  std::string mode;
  std::optional<std::string> model;
  std::string collection;
  std::int64_t index_version = 0;
  std::vector<rag::DroppedSentence> dropped;
  double evidence = 0;
  models::Usage usage;
  double cost_usd = 0;
  std::map<std::string, double> timing_ms;
  std::string receipt_id, trace_id;
  std::vector<rag::SearchItem> nearest;
};
BOOST_DESCRIBE_STRUCT(AnswerShape, (),
                      (answer, sentences, citations, refused, reason, mode, model, collection,
                       index_version, dropped, evidence, usage, cost_usd, timing_ms, receipt_id,
                       trace_id, nearest))

struct IngestShape {
  std::string collection;
  std::int64_t added = 0, updated = 0, moved = 0, unchanged = 0, deleted = 0;
  std::vector<rag::IngestFailure> failed;
  ChunksShape chunks;
  std::int64_t tokens = 0;
  double seconds = 0;
  std::int64_t index_version = 0;
  std::vector<std::string> warnings;
  double cost_usd = 0;
  rag::IngestEstimate estimate;
};
BOOST_DESCRIBE_STRUCT(IngestShape, (),
                      (collection, added, updated, moved, unchanged, deleted, failed, chunks,
                       tokens, seconds, index_version, warnings, cost_usd, estimate))

/// Only what a caller sees of it: `Jobs` has it as JSON already.
struct IngestReport {
  json::Value value;
};

/// Registers the components that notes refer to.
void add_schemas(http::Api& api);

}  // namespace slipway::api::detail

namespace slipway::http {

template <>
struct Wire<api::detail::AnyObject> {
  using Shape = json::Object;
  static json::Value write(const api::detail::AnyObject& object) { return object.value; }
};
template <>
struct Wire<api::detail::IngestReport> {
  using Shape = api::detail::IngestShape;
  static json::Value write(const api::detail::IngestReport& report) { return report.value; }
};
template <>
struct Wire<rag::Answer> {
  using Shape = api::detail::AnswerShape;
  static json::Value write(const rag::Answer& answer) { return rag::to_json(answer); }
};

}  // namespace slipway::http

// Behind them, because they speak of these structs; with them, because a schema must be the same in
// every file.
#include "api/detail/notes.hpp"
