// What the schemas of requests and replies say beyond the fields of their structs. Bounds are
// enforced; they repeat what the structs' own `validate` refuses, so that clients see them.
#pragma once

#include "api/detail/wire.hpp"

namespace slipway::http {

template <>
struct Notes<api::detail::Paging> {
  static constexpr std::string_view schema = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000, "description": "How many items at most."},
    "cursor": {"maxLength": 4096, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
template <>
struct Notes<api::detail::CollectionPath> {
  static constexpr std::string_view schema = R"({"properties": {
    "collection": {"pattern": "^[A-Za-z0-9._-]{1,128}$", "description": "Name of the collection.",
                   "example": "default"}}})";
};
template <>
struct Notes<api::detail::DocumentPath> {
  static constexpr std::string_view schema = R"({"properties": {
    "id": {"maxLength": 128, "description": "Id of the document."}}})";
};
template <>
struct Notes<api::detail::PagePath> {
  static constexpr std::string_view schema = R"({"properties": {
    "page": {"minimum": 1, "description": "From 1."}}})";
};
template <>
struct Notes<api::detail::IdPath> {
  static constexpr std::string_view schema = R"({"properties": {"id": {"maxLength": 128}}})";
};
template <>
struct Notes<api::detail::VersionPath> {
  static constexpr std::string_view schema = R"({"properties": {
    "version": {"pattern": "^[A-Za-z0-9._-]{1,128}$",
                "description": "Name of a snapshot, or the number of a version."}}})";
};
template <>
struct Notes<api::detail::DifferencePath> {
  static constexpr std::string_view schema = R"({"properties": {
    "version": {"pattern": "^[A-Za-z0-9_-]+[.][.][A-Za-z0-9_-]+$", "maxLength": 300,
              "description": "`FROM..TO`: numbers, names of snapshots, or `current`.", "example":
      "1..current"},
    "query": {"maxItems": 100, "items": {"minLength": 1, "maxLength": 4000, "pattern": "\\S"},
              "description": "Queries whose results in both versions are compared."},
    "limit": {"minimum": 1, "maximum": 1000, "description":
      "How many results of each query are compared."}}})";
};
template <>
struct Notes<api::detail::IndexPath> {
  static constexpr std::string_view schema = R"({"properties": {
    "recall_queries": {"minimum": 0, "maximum": 1000,
      "description": "By how many queries the recall is measured; 0: not at all."}}})";
};
template <>
struct Notes<api::detail::IngestPath> {
  static constexpr std::string_view schema = R"({"properties": {
    "wait": {"description":
      "Answer when everything is in, with 200, instead of at once with a job."}}})";
};
template <>
struct Notes<api::detail::NewCollection> {
  static constexpr std::string_view schema = R"({"properties": {
    "name": {"pattern": "^[A-Za-z0-9._-]{1,128}$", "example": "handbook"},
    "settings": {"description":
      "Absent: what slipway.yaml declares for the name, else the defaults."}}})";
};
template <>
struct Notes<api::detail::IngestBody> {
  static constexpr std::string_view schema = R"({"properties": {
    "uri": {"minLength": 1, "maxLength": 2048, "description":
      "With `text`: the document's identity. Without: a URL, or a file that may be read."},
    "text": {"description": "The document itself."},
    "media_type": {"maxLength": 200, "description":
      "Of `text`; empty: found out by the ending of `uri` and by content."},
    "metadata": {"description": "Added to the document's own; filters see it."},
    "sync": {"description": "Without `text`: delete documents of the source that are gone."}}})";
};
template <>
struct Notes<api::detail::UploadFields> {
  static constexpr std::string_view schema = R"({"properties": {
    "metadata": {"description": "A JSON object; added to the metadata of every file."},
    "password": {"maxLength": 1024, "description": "For encrypted PDF files."}}})";
};
template <>
struct Notes<api::detail::AskBody> {
  static constexpr std::string_view schema = R"({"properties": {
    "question": {"minLength": 1, "maxLength": 10000, "pattern": "\\S", "example":
      "How long are traces kept?"},
    "collection": {"pattern": "^[A-Za-z0-9._-]{1,128}$"},
    "mode": {"enum": ["auto", "generate", "extract"], "description":
      "extract quotes; generate lets a model write and checks it; auto: what holds."},
    "limit": {"minimum": 1, "maximum": 50, "description": "Passages to read."},
    "model": {"description": "Empty: the default chat model."},
    "filter": {"anyOf": [{"$ref": "#/components/schemas/Filter"}, {"type": "null"}]},
    "budget_usd": {"minimum": 0, "description": "Refuse to spend more on this answer."},
    "mark_unsupported": {"description":
      "Keep sentences without support, marked, instead of dropping them."},
    "candidates": {"minimum": 1, "maximum": 1000},
    "version": {"description": "Number of an index version; absent: the current one."},
    "pin": {"description": "Keep the version that was searched as long as the receipt."},
    "prompt": {"maxLength": 260, "description":
      "`NAME@TAG`, `NAME@VERSION`, or `NAME` for a share of its traffic; empty: the collection's.",
      "example": "answer@production"},
    "search": {"description": "How passages are looked for; absent: as the collection says."},
    "fusion": {"description": "Of hybrid searches: how two lists become one."},
    "dense_weight": {"minimum": 0, "maximum": 1, "description": "Of the vectors, in hybrid."},
    "stream": {"description":
      "Answer with server-sent events, as `Accept: text/event-stream` does."}}})";
};
template <>
struct Notes<rag::SearchRequest> {
  static constexpr std::string_view schema = R"({"required": ["query"], "properties": {
    "query": {"minLength": 1, "maxLength": 10000, "pattern": "\\S", "example":
      "retention of traces"},
    "collection": {"pattern": "^[A-Za-z0-9._-]{1,128}$"},
    "limit": {"minimum": 1, "maximum": 1000},
    "mode": {"description":
      "dense: by meaning; lexical: by words; hybrid: both, fused; absent: the collection's."},
    "dense_weight": {"minimum": 0, "maximum": 1, "description": "Of the vectors, in hybrid."},
    "filter": {"anyOf": [{"$ref": "#/components/schemas/Filter"}, {"type": "null"}]},
    "rerank": {"description": "Absent: if the collection has a reranker."},
    "reranker": {"description": "Instead of the collection's; not with `rerank: false`."},
    "candidates": {"minimum": 1, "maximum": 1000, "description":
      "How many of the best are reranked or chosen from."},
    "collapse": {"description": "Leave out what repeats a better passage."},
    "mmr": {"minimum": 0, "maximum": 1, "description":
      "Order by marginal relevance: 0 varied, 1 near. Not with a reranker or in lexical."},
    "budget_usd": {"minimum": 0, "description": "Refuse to spend more on reranking."},
    "version": {"description": "Number of an index version; absent: the current one."},
    "explain": {"description": "Tell how the search was done."}}})";
};
template <>
struct Notes<rag::CollectionSettings> {
  static constexpr std::string_view schema = R"({"properties": {
    "embedder": {"description": "Name of a model; empty: the default."},
    "reranker": {"description": "Name of a model that orders what searches find; empty: none."},
    "language": {"description": "Stemmer and stop words of the lexical index; `none` for neither."},
    "evidence_min": {"minimum": -1, "maximum": 1, "description":
      "Refuse below this evidence; -1: the calibrated default."},
    "support_min": {"minimum": -1, "maximum": 1, "description":
      "Drop generated sentences below this support; -1: the default."},
    "keep_versions": {"minimum": 0},
    "field_weights": {"propertyNames": {"enum": ["title", "path"]},
                      "additionalProperties": {"minimum": 0, "maximum": 100}}}})";
};
template <>
struct Notes<rag::ContextualSettings> {
  static constexpr std::string_view schema = R"({"properties": {"budget_usd": {"minimum": 0}}})";
};
template <>
struct Notes<documents::SplitterSettings> {
  static constexpr std::string_view schema = R"({"description":
      "What the kind does not use must keep its default.", "properties": {
    "chunk_size": {"minimum": 1, "maximum": 1000000},
    "chunk_overlap": {"maximum": 1000000, "description": "At most `chunk_size`."},
    "separators": {"minItems": 1, "maxItems": 200},
    "chunk_count": {"minimum": 1},
    "heading_level_max": {"minimum": 1, "maximum": 6},
    "buffer_size": {"maximum": 20}}})";
};
template <>
struct Notes<api::detail::SnapshotBody> {
  static constexpr std::string_view schema = R"({"properties": {
    "name": {"pattern": "^[A-Za-z][A-Za-z0-9._-]{0,99}$", "example": "before-the-move"},
    "version": {"description": "Absent: the current one."}}})";
};
template <>
struct Notes<api::detail::MigrateBody> {
  static constexpr std::string_view schema = R"({"properties": {
    "gold": {"maxItems": 10000, "description":
      "Questions that the new one must answer as well; empty: it serves when complete."},
    "margin": {"minimum": 0, "maximum": 1, "description": "What a score may fall by."},
    "limit": {"minimum": 1, "maximum": 1000},
    "defaults": {"description": "What its questions use where they say nothing."}}})";
};
template <>
struct Notes<rag::QuestionDefaults> {
  static constexpr std::string_view schema = R"({"properties": {
    "dense_weight": {"minimum": 0, "maximum": 1},
    "reranker": {"description": "Empty: none."},
    "prompt": {"description": "Empty or `builtin`: the built in one."},
    "answer": {"description": "`generate` or `extract`: of questions in mode auto."},
    "answer_model": {"description": "Instead of the default chat model."}}})";
};
template <>
struct Notes<rag::GoldQuestion> {
  static constexpr std::string_view schema = R"({"required": ["input", "relevance"], "properties": {
    "input": {"minLength": 1},
    "relevance": {"minProperties": 1, "description":
      "Documents by path, uri or id, with a grade; 0: not relevant."}}})";
};
template <>
struct Notes<api::detail::ChunksShape> {
  static constexpr std::string_view schema = R"({"required": ["new", "reused"], "properties": {
    "new": {"type": "integer", "description": "Embedded now."},
    "reused": {"type": "integer", "description": "Their vector was known."}}})";
};
template <>
struct Notes<api::detail::AnswerShape> {
  static constexpr std::string_view schema = R"({"required": [
    "answer", "sentences", "citations", "refused", "reason", "mode", "model", "collection",
      "index_version",
    "dropped", "evidence", "usage", "cost_usd", "timing_ms", "receipt_id", "trace_id"],
   "properties": {"mode": {"enum": ["auto", "generate", "extract"]},
    "nearest": {"description": "Only of a refusal: passages to look at."}}})";
};
template <>
struct Notes<api::detail::IngestShape> {
  static constexpr std::string_view schema = R"({"required": [
    "collection", "added", "updated", "moved", "unchanged", "deleted", "failed", "chunks", "tokens",
      "seconds",
    "index_version", "warnings"]})";
};
template <>
struct Notes<api::JobInfo> {
  static constexpr std::string_view schema = R"({"properties": {
    "kind": {"description": "ingest, migrate, rollback, optimize, source."},
    "result": {"description": "Of a job that is done: the report of what it did."},
    "errors": {"description": "Documents that failed while the job went on."},
    "error": {"description": "Why the job failed or was cancelled."}}})";
};

}  // namespace slipway::http
