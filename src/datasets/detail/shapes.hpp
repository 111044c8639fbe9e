// What the native routes take and give, as structs for schemas and readers.
#pragma once

#include "datasets/detail/export.hpp"
#include "http/schema.hpp"
#include "trace/run.hpp"

namespace slipway::datasets::detail {

// --- Requests

struct DatasetListing {
  std::optional<std::string> q;
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "q": {"maxLength": 512, "description": "Part of the name."},
    "limit": {"minimum": 1, "maximum": 1000, "description": "How many items at most."},
    "cursor": {"maxLength": 64, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(DatasetListing, (), (q, limit, cursor))

struct DatasetWish {
  std::string name;
  static constexpr std::string_view schema_notes = R"({"properties": {"name": {"minLength": 1,
    "maxLength": 800, "description": "Of the dataset, or its id; `@` and a tag or a time behind )"
                                                   R"(it choose a version: `goldens@release`.",
    "example": "goldens"}}})";
};
BOOST_DESCRIBE_STRUCT(DatasetWish, (), (name))

struct VersionListing : DatasetWish {
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000},
    "cursor": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(VersionListing, (DatasetWish), (limit, cursor))

struct ExamplePath {
  std::string name, id;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 800},
    "id": {"minLength": 1, "maxLength": 128}}})";
};
BOOST_DESCRIBE_STRUCT(ExamplePath, (), (name, id))

struct ExampleListing : DatasetWish {
  std::optional<std::string> split, filter;
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "split": {"maxLength": 256},
    "filter": {"maxLength": 65536, "description":
      "`and(has(metadata, '{\"k\":\"v\"}'), exists(metadata, \"k\"), eq(metadata.k, \"v\"))`"},
    "limit": {"minimum": 1, "maximum": 1000},
    "cursor": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(ExampleListing, (DatasetWish), (split, filter, limit, cursor))

struct DiffWish : DatasetWish {
  std::string from, to = "latest";
  static constexpr std::string_view required[] = {"from"};
  static constexpr std::string_view schema_notes = R"({"required": ["from"], "properties": {
    "from": {"maxLength": 256, "description": "A tag or a time."},
    "to": {"maxLength": 256, "description": "A tag or a time."}}})";
};
BOOST_DESCRIBE_STRUCT(DiffWish, (DatasetWish), (from, to))

struct ExportListing : DatasetWish {
  Format format = Format::jsonl;
};
BOOST_DESCRIBE_STRUCT(ExportListing, (DatasetWish), (format))

struct NewDatasetBody {
  std::string name;
  std::optional<std::string> description;
  DataType data_type = DataType::kv;
  std::optional<json::Object> inputs_schema, outputs_schema;
  json::Object metadata;
  static constexpr std::string_view required[] = {"name"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 512, "pattern": "^[^/@]+$"},
    "inputs_schema": {"description": "A JSON Schema that every example's inputs must satisfy."},
    "outputs_schema": {"description": "The same of outputs."}}})";
};
BOOST_DESCRIBE_STRUCT(NewDatasetBody, (),
                      (name, description, data_type, inputs_schema, outputs_schema, metadata))

struct DatasetChangeBody {
  std::optional<std::string> name, description;
  std::optional<json::Object> metadata;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 512, "pattern": "^[^/@]+$"}}})";
};
BOOST_DESCRIBE_STRUCT(DatasetChangeBody, (), (name, description, metadata))

struct NewTagBody {
  std::string tag, version = "latest";
  static constexpr std::string_view required[] = {"tag"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "tag": {"minLength": 1, "maxLength": 256}, "version": {"maxLength": 256, "description":
      "A tag or a time."}}})";
};
BOOST_DESCRIBE_STRUCT(NewTagBody, (), (tag, version))

struct ExampleObject {
  std::optional<std::string> id;
  json::Object inputs;
  std::optional<json::Object> outputs;
  json::Object metadata;
  std::vector<std::string> splits;
  static constexpr std::string_view required[] = {"inputs"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "splits": {"items": {"minLength": 1, "maxLength": 64}}}})";
};
BOOST_DESCRIBE_STRUCT(ExampleObject, (), (id, inputs, outputs, metadata, splits))

/// One of three ways.
struct NewExamplesBody {
  std::optional<std::vector<ExampleObject>> examples;
  std::optional<std::string> from_run, trace_id;
  std::optional<json::Object> outputs;
  json::Object metadata;
  std::vector<std::string> splits;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "examples": {"minItems": 1, "maxItems": 20000},
    "from_run": {"maxLength": 128, "description":
      "The id of a run whose inputs and outputs become an example."},
    "trace_id": {"maxLength": 128, "description": "Where the run's id is in several traces."},
    "outputs": {"description": "With `from_run`: what it should have answered."},
    "metadata": {"description": "With `from_run`."},
    "splits": {"items": {"minLength": 1, "maxLength": 64}, "description": "With `from_run`."}}})";
};
BOOST_DESCRIBE_STRUCT(NewExamplesBody, (),
                      (examples, from_run, trace_id, outputs, metadata, splits))

/// As the queries of /api/runs.
struct TrafficBody {
  std::optional<std::string> project, name, model, session_id, user_id, key, prompt, tag, from, to,
      q;
  std::optional<trace::Status> status;
  std::optional<trace::Kind> kind;
  std::optional<double> min_latency_ms, max_latency_ms;
  std::optional<json::Object> filter;
  bool roots_only = true;
  int limit = 1000;
  json::Object metadata;
  std::vector<std::string> splits;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "from": {"description": "Began at this time or later (RFC 3339)."},
    "to": {"description": "Began before this time."},
    "filter": {"description": "As `filter` of /api/runs, as an object: )"
                                                   R"(`{\"feedback.correct\": {\"$lt\": 1}}`."},
    "roots_only": {"description": "Only the first run of each trace."},
    "splits": {"items": {"minLength": 1, "maxLength": 64}},
    "limit": {"minimum": 1, "maximum": 20000, "description": "The youngest that many."}}})";
};
BOOST_DESCRIBE_STRUCT(TrafficBody, (),
                      (project, name, model, session_id, user_id, key, prompt, tag, from, to, q,
                       status, kind, min_latency_ms, max_latency_ms, filter, roots_only, limit,
                       metadata, splits))

struct ExampleChangeBody {
  std::optional<json::Object> inputs, outputs, metadata;
  std::optional<std::vector<std::string>> splits;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "splits": {"items": {"minLength": 1, "maxLength": 64}}}})";
};
BOOST_DESCRIBE_STRUCT(ExampleChangeBody, (), (inputs, outputs, metadata, splits))

struct ImportFields {
  std::vector<std::string> splits;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "splits": {"items": {"minLength": 1, "maxLength": 64}}}})";
};
BOOST_DESCRIBE_STRUCT(ImportFields, (), (splits))

// --- Replies

struct VersionShape {
  std::string version;
  std::vector<std::string> tags;
  static constexpr std::string_view schema_notes = R"({"properties": {"version": {"description":
    "The time of its commit: goes wherever a version is asked for."}}})";
};
BOOST_DESCRIBE_STRUCT(VersionShape, (), (version, tags))

struct DatasetShape {
  std::string id, name;
  std::optional<std::string> description;
  DataType data_type = DataType::kv;
  std::optional<json::Object> inputs_schema, outputs_schema;
  json::Object metadata;
  std::string created_at, modified_at;
  std::int64_t example_count = 0;
};
BOOST_DESCRIBE_STRUCT(DatasetShape, (),
                      (id, name, description, data_type, inputs_schema, outputs_schema, metadata,
                       created_at, modified_at, example_count))

struct DatasetDetails : DatasetShape {
  std::optional<VersionShape> version;
  std::optional<std::string> digest;
  std::vector<std::string> splits;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "version": {"description": "The version asked for; null: there are no examples yet."},
    "digest": {"description": "sha256 of what that version holds: equal content, equal digest, )"
                                                   R"(whatever the order and the ids."}}})";
};
BOOST_DESCRIBE_STRUCT(DatasetDetails, (DatasetShape), (version, digest, splits))

struct DatasetList {
  std::vector<DatasetShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(DatasetList, (), (items, next_cursor))

struct VersionList {
  std::vector<VersionShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(VersionList, (), (items, next_cursor))

struct DiffShape {
  std::vector<std::string> added, removed, modified;
};
BOOST_DESCRIBE_STRUCT(DiffShape, (), (added, removed, modified))

struct AttachmentShape {
  std::string name, media_type, url;
  std::int64_t size_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(AttachmentShape, (), (name, media_type, url, size_bytes))

/// Seen by schemas only: the text is written by hand.
struct ExampleShape {
  std::string id;
  json::Object inputs;
  std::optional<json::Object> outputs;
  json::Object metadata;
  std::vector<std::string> splits;
  std::optional<std::string> source_run_id;
  std::string created_at, version;
  std::vector<AttachmentShape> attachments;
};
BOOST_DESCRIBE_STRUCT(ExampleShape, (),
                      (id, inputs, outputs, metadata, splits, source_run_id, created_at, version,
                       attachments))

struct ExampleList {
  std::vector<ExampleShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ExampleList, (), (items, next_cursor))

struct WrittenShape {
  std::string version;
  std::vector<std::string> ids;
  std::int64_t skipped = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "ids": {"description": "Of the examples that were made."},
    "skipped": {"description": "Runs whose example was there already."}}})";
};
BOOST_DESCRIBE_STRUCT(WrittenShape, (), (version, ids, skipped))

struct ExperimentShape {
  std::string id, name;
  std::string start_time;
  json::Object metadata;
  std::int64_t runs = 0, errors = 0;
  std::optional<double> p50_ms, p99_ms;
  std::int64_t input_tokens = 0, output_tokens = 0;
  double cost_usd = 0;
  json::Object feedback;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"description": "Of the project that its runs are in."},
    "feedback": {"description": "By key: `{n, avg, stdev, errors, values}` over its runs."}}})";
};
BOOST_DESCRIBE_STRUCT(ExperimentShape, (),
                      (id, name, start_time, metadata, runs, errors, p50_ms, p99_ms, input_tokens,
                       output_tokens, cost_usd, feedback))

struct ExperimentList {
  std::vector<ExperimentShape> items;
};
BOOST_DESCRIBE_STRUCT(ExperimentList, (), (items))

}  // namespace slipway::datasets::detail
