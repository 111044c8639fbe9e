// What the native routes take and give, as structs for schemas and readers. Replies are written by
// detail/wire.hpp; their structs here are seen by schemas only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/schema.hpp"
#include "trace/prices.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

// --- Requests

/// The queries of lists; see `Query`.
struct Selection {
  std::optional<std::string> project, name, model, session_id, user_id, key, prompt, tag;
  std::optional<Status> status;
  std::optional<Kind> kind;
  std::string from, to;
  std::optional<double> min_latency_ms, max_latency_ms;
  std::string q, filter;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "project": {"description": "Exactly this one."},
    "model": {"description": "Of traces: of any run in it, as `kind`, `tag` and `q`."},
    "key": {"description": "Name of the API key that called."},
    "prompt": {"description": "`NAME@VERSION` of the prompt that a call was made of.",
               "example": "greeting@3"},
    "from": {"maxLength": 64, "description": "Began at this time or later (RFC 3339).",
             "example": "2026-11-23T08:00:00Z"},
    "to": {"maxLength": 64, "description": "Began before this time."},
    "min_latency_ms": {"minimum": 0}, "max_latency_ms": {"minimum": 0},
    "q": {"maxLength": 4000, "description":
      "Full text: every word and every `\"phrase in order\"` must occur in one run: in its )"
                                                   R"(name, inputs, outputs, error or metadata.",
      "example": "refund"},
    "filter": {"maxLength": 65536, "description":
      "JSON: `{\"$and\":[{\"latency_ms\":{\"$gt\":2000}},{\"metadata.customer\":\"a\"}]}`, )"
                                                   R"(with `$eq $ne $gt $gte $lt $lte $in $nin )"
                                                   R"($exists $contains $and $or $not` on any )"
                                                   R"(field, `metadata.KEY`, )"
                                                   R"(`attributes.KEY`, `feedback.KEY`."
      }}})";
};
BOOST_DESCRIBE_STRUCT(Selection, (),
                      (project, name, model, session_id, user_id, key, prompt, tag, status, kind,
                       from, to, min_latency_ms, max_latency_ms, q, filter))

struct Listing : Selection {
  std::string sort = "-start_time";
  int limit = 50;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "sort": {"enum": ["-start_time", "start_time", "latency_ms", "-latency_ms", "cost_usd",
                      "-cost_usd", "total_tokens", "-total_tokens"]},
    "limit": {"minimum": 1, "maximum": 1000, "description": "How many items at most."},
    "cursor": {"maxLength": 4096, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(Listing, (Selection), (sort, limit, cursor))

struct RunListing : Listing {
  std::optional<std::string> trace_id;
};
BOOST_DESCRIBE_STRUCT(RunListing, (Listing), (trace_id))

struct StatsWish : Selection {
  std::optional<GroupBy> group_by;
};
BOOST_DESCRIBE_STRUCT(StatsWish, (Selection), (group_by))

struct CostsWish : Selection {
  GroupBy group_by = GroupBy::model;
  std::optional<std::string> trace_id;
};
BOOST_DESCRIBE_STRUCT(CostsWish, (Selection), (group_by, trace_id))

struct TracePath {
  std::string trace_id;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"trace_id": {
    "maxLength": 128, "description": "As the client gave it."}}})";
};
BOOST_DESCRIBE_STRUCT(TracePath, (), (trace_id))

struct TraceWish : TracePath {
  bool payload = true;
  static constexpr std::string_view schema_notes = R"({"properties": {"payload": {"description":
    "false leaves out inputs, outputs, events and attributes."}}})";
};
BOOST_DESCRIBE_STRUCT(TraceWish, (TracePath), (payload))

struct RunPath {
  std::string id;
  std::string trace_id;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "id": {"maxLength": 128, "description": "As the client gave it."},
    "trace_id": {"maxLength": 128, "description":
      "Where a span's id is in several traces: which one. Empty: the youngest."}}})";
};
BOOST_DESCRIBE_STRUCT(RunPath, (), (id, trace_id))

struct Paging {
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000, "description": "How many items at most."},
    "cursor": {"maxLength": 4096, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(Paging, (), (limit, cursor))

struct PricesWish {
  std::string model;
  static constexpr std::string_view schema_notes = R"({"properties": {"model": {"maxLength": 256,
    "description": "Empty: the rows of all models."}}})";
};
BOOST_DESCRIBE_STRUCT(PricesWish, (), (model))

struct PricePath {
  std::string model;
  static constexpr std::string_view schema_notes = R"({"properties": {"model": {"maxLength": 256,
    "minLength": 1, "example": "gpt-4o"}}})";
};
BOOST_DESCRIBE_STRUCT(PricePath, (), (model))

struct RepriceBody {
  std::optional<std::string> model, from, to, price_id;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "model": {"description": "Absent: every model."},
    "from": {"description": "Began at this time or later (RFC 3339)."},
    "to": {"description": "Began before this time."},
    "price_id": {"description": "By this row. Absent: by the row that holds for each run."}}})";
};
BOOST_DESCRIBE_STRUCT(RepriceBody, (), (model, from, to, price_id))

// --- Replies

struct EventShape {
  std::string name, time;
  json::Object attributes;
};
BOOST_DESCRIBE_STRUCT(EventShape, (), (name, time, attributes))

struct CostLineShape {
  std::string bucket;
  std::int64_t tokens = 0;
  double usd_per_token = 0, usd = 0;
};
BOOST_DESCRIBE_STRUCT(CostLineShape, (), (bucket, tokens, usd_per_token, usd))

struct CostShape {
  double total_usd = 0;
  std::vector<CostLineShape> lines;
  std::optional<std::string> price_id;
  std::string tier, source;
  double priced_usd = 0;
  static constexpr std::string_view schema_notes = R"({
    "required": ["total_usd", "lines", "price_id", "tier", "source"],
    "properties": {"source": {"enum": ["priced", "client"]}, "priced_usd": {"description":
      "Beside a client's own cost: what the price row says."}}})";
};
BOOST_DESCRIBE_STRUCT(CostShape, (), (total_usd, lines, price_id, tier, source, priced_usd))

struct RunShape {
  std::string id, trace_id;
  std::optional<std::string> parent_id;
  std::string project, name;
  Kind kind = Kind::span;
  Status status = Status::pending;
  std::optional<std::string> error;
  std::string start_time;
  std::optional<std::string> end_time;
  std::optional<double> latency_ms, first_token_ms;
  json::Value inputs, outputs;
  std::vector<EventShape> events;
  std::vector<std::string> tags;
  json::Object metadata, attributes;
  std::optional<std::string> session_id, user_id, provider, model;
  std::optional<Usage> usage;
  std::optional<CostShape> cost;
  static constexpr std::string_view schema_notes = R"({
    "required": ["id", "trace_id", "parent_id", "project", "name", "kind", "status", "error",
                 "start_time", "end_time", "latency_ms", "first_token_ms", "tags", "metadata",
                 "session_id", "user_id", "provider", "model", "usage", "cost"],
    "properties": {
      "inputs": {"description": "As the client sent them, any JSON."},
      "outputs": {"description": "As the client sent them, any JSON."}}})";
};
BOOST_DESCRIBE_STRUCT(RunShape, (),
                      (id, trace_id, parent_id, project, name, kind, status, error, start_time,
                       end_time, latency_ms, first_token_ms, inputs, outputs, events, tags,
                       metadata, attributes, session_id, user_id, provider, model, usage, cost))

struct RunNode : RunShape {
  std::vector<RunNode> children;
};
BOOST_DESCRIBE_STRUCT(RunNode, (RunShape), (children))

struct RunDetails : RunShape {
  std::vector<std::string> child_ids;
};
BOOST_DESCRIBE_STRUCT(RunDetails, (RunShape), (child_ids))

struct RunList {
  std::vector<RunShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(RunList, (), (items, next_cursor))

struct SummaryShape {
  std::string id, project;
  std::optional<std::string> name;
  Kind kind = Kind::span;
  Status status = Status::pending;
  std::optional<std::string> error;
  std::string start_time;
  std::optional<std::string> end_time;
  std::optional<double> latency_ms;
  std::int64_t run_count = 0, error_count = 0;
  std::vector<std::string> models, tags;
  std::optional<std::string> session_id, user_id;
  std::int64_t input_tokens = 0, output_tokens = 0, total_tokens = 0;
  std::optional<double> cost_usd;
  std::string inputs_preview, outputs_preview;
};
BOOST_DESCRIBE_STRUCT(SummaryShape, (),
                      (id, project, name, kind, status, error, start_time, end_time, latency_ms,
                       run_count, error_count, models, tags, session_id, user_id, input_tokens,
                       output_tokens, total_tokens, cost_usd, inputs_preview, outputs_preview))

struct TraceList {
  std::vector<SummaryShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(TraceList, (), (items, next_cursor))

struct TraceTree : SummaryShape {
  std::vector<RunNode> roots;
};
BOOST_DESCRIBE_STRUCT(TraceTree, (SummaryShape), (roots))

struct ProjectShape {
  std::string name;
  std::int64_t traces = 0, runs = 0;
  std::string last_run_time;
};
BOOST_DESCRIBE_STRUCT(ProjectShape, (), (name, traces, runs, last_run_time))

struct ProjectList {
  std::vector<ProjectShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ProjectList, (), (items, next_cursor))

struct PercentilesShape {
  std::optional<double> p50, p95, p99, relative_error;
  static constexpr std::string_view schema_notes = R"({"required": ["p50", "p95", "p99"],
    "properties": {"relative_error": {"description":
      "Of more than 100,000 traces: what a percentile may be off. Absent: they are exact."}}})";
};
BOOST_DESCRIBE_STRUCT(PercentilesShape, (), (p50, p95, p99, relative_error))

struct StatsGroupShape {
  std::string key;
  std::int64_t traces = 0, runs = 0, errors = 0;
  double error_rate = 0;
  PercentilesShape latency_ms;
  std::int64_t input_tokens = 0, output_tokens = 0;
  double cost_usd = 0;
};
BOOST_DESCRIBE_STRUCT(StatsGroupShape, (),
                      (key, traces, runs, errors, error_rate, latency_ms, input_tokens,
                       output_tokens, cost_usd))

/// See trace/sampling.hpp.
struct SamplingShape {
  double rate = 1;
  bool keep_errors = true;
  double keep_slower_ms = 0;
  std::int64_t left_out_traces = 0, left_out_runs = 0;
};
BOOST_DESCRIBE_STRUCT(SamplingShape, (),
                      (rate, keep_errors, keep_slower_ms, left_out_traces, left_out_runs))

struct StatsShape {
  std::int64_t traces = 0, runs = 0, errors = 0;
  double error_rate = 0;
  PercentilesShape latency_ms;
  std::int64_t input_tokens = 0, output_tokens = 0;
  double cost_usd = 0;
  std::vector<StatsGroupShape> groups;
  std::optional<SamplingShape> sampling;
  static constexpr std::string_view schema_notes = R"({
    "required": ["traces", "runs", "errors", "error_rate", "latency_ms", "input_tokens",
                 "output_tokens", "cost_usd"],
    "properties": {"errors": {"description": "Traces whose status is error."},
                   "sampling": {"description":
      "Where not all traces are kept (`traces.sampling`): what is, and what was left out of all."},
                   "groups": {"description": "Only with `group_by`."}}})";
};
BOOST_DESCRIBE_STRUCT(StatsShape, (),
                      (traces, runs, errors, error_rate, latency_ms, input_tokens, output_tokens,
                       cost_usd, groups, sampling))

struct CostGroupShape {
  std::string key;
  std::int64_t runs = 0, input_tokens = 0, output_tokens = 0, cache_read_tokens = 0;
  double cost_usd = 0;
};
BOOST_DESCRIBE_STRUCT(CostGroupShape, (),
                      (key, runs, input_tokens, output_tokens, cache_read_tokens, cost_usd))

struct CostsShape {
  std::string currency;
  double total_usd = 0;
  std::int64_t unpriced_runs = 0;
  std::vector<CostGroupShape> groups;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "unpriced_runs": {"description": "Runs of models whose price nobody knows: not in the sums."},
    "groups": {"description": "Dearest first."}}})";
};
BOOST_DESCRIBE_STRUCT(CostsShape, (), (currency, total_usd, unpriced_runs, groups))

struct PriceShape {
  std::string price_id, model, provider, valid_from, source;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": {"type": "number"},
    "description": "A price row: the keys of LiteLLM's table, dollars as decimals."})";
};
BOOST_DESCRIBE_STRUCT(PriceShape, (), (price_id, model, provider, valid_from, source))

struct PriceList {
  std::vector<PriceShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(PriceList, (), (items, next_cursor))

struct RepricingShape {
  std::int64_t runs = 0, changed = 0;
  double before_usd = 0, after_usd = 0;
};
BOOST_DESCRIBE_STRUCT(RepricingShape, (), (runs, changed, before_usd, after_usd))

}  // namespace slipway::trace::detail
