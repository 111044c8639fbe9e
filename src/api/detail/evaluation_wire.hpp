// Requests and replies of /api/evaluations.
#pragma once

#include "api/jobs.hpp"
#include "eval/evaluations.hpp"
#include "http/schema.hpp"

namespace slipway::api::detail {

struct EvaluationListing {
  std::string dataset;
  int limit = 50;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "dataset": {"maxLength": 800, "description": "Over this one, by name or id; empty: over any."},
    "limit": {"minimum": 1, "maximum": 200},
    "cursor": {"maxLength": 64, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluationListing, (), (dataset, limit, cursor))

struct EvaluationPath {
  std::string id;
  static constexpr std::string_view schema_notes = R"({"properties": {"id": {"minLength": 1,
    "maxLength": 128, "description":
      "Of an evaluation, or of a project that is an experiment over a dataset."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluationPath, (), (id))

struct EvaluationWish : EvaluationPath {
  bool items = true;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "items": {"description": "false: without the scores of every case."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluationWish, (EvaluationPath), (items))

struct ItemListing : EvaluationPath {
  bool failing = false;
  std::string metric, sort;
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "failing": {"description": "Only cases that fail: by `metric`, or by any."},
    "metric": {"maxLength": 256, "description": "Only cases that this one scored."},
    "sort": {"enum": ["", "score", "-score"], "description":
      "`score`, `-score`: by `metric`, or by the mean of all; empty: in the dataset's order."},
    "limit": {"minimum": 1, "maximum": 1000},
    "cursor": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(ItemListing, (EvaluationPath), (failing, metric, sort, limit, cursor))

struct ComparisonWish {
  std::string baseline, candidate, metric, sort;
  bool changed = false;
  int limit = 50;
  std::string cursor;
  static constexpr std::string_view required[] = {"baseline", "candidate"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "baseline": {"minLength": 1, "maxLength": 128},
    "candidate": {"minLength": 1, "maxLength": 128},
    "metric": {"maxLength": 256, "description":
      "Whose change orders the cases; empty: the first that both have."},
    "sort": {"enum": ["", "change", "-change", "abs", "id"], "description":
      "Empty: the worst change first; `-change`, `abs`, `id` (the dataset's order)."},
    "changed": {"description": "Only cases that changed."},
    "limit": {"minimum": 1, "maximum": 200},
    "cursor": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(ComparisonWish, (),
                      (baseline, candidate, metric, sort, changed, limit, cursor))

struct EvaluationList {
  std::vector<eval::EvaluationInfo> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(EvaluationList, (), (items, next_cursor))

struct ItemList {
  std::vector<eval::EvaluationCase> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ItemList, (), (items, next_cursor))

/// Of a result's `items`.
struct ItemScore {
  std::optional<double> score;
  std::optional<bool> pass;
};
BOOST_DESCRIBE_STRUCT(ItemScore, (), (score, pass))

/// An evaluation and its result as one object: what `slipway eval` writes, and what is beside it.
/// Seen by schemas only: the text is written by hand.
struct EvaluationResult {
  std::string format, id, name;
  eval::EvaluationSource source = eval::EvaluationSource::evaluation;
  eval::EvaluationState state = eval::EvaluationState::queued;
  std::optional<std::string> error;
  std::optional<eval::DatasetRef> dataset;
  std::string target;
  std::string created_at;
  std::optional<std::string> finished_at;
  std::int64_t done = 0, total = 0;
  std::optional<bool> passed;
  std::vector<std::string> failures;
  std::vector<eval::MetricSummary> metrics;
  std::optional<std::string> job;
  std::optional<json::Object> request;
  json::Object metadata;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true, "properties": {
    "format": {"description": "`slipway-eval-result/1`: it can be a baseline, or be compared."},
    "items": {"type": "array", "items": {"type": "object"}, "description":
      "Every case: `{id, cluster, severity, scores: {metric: {score, pass}}}`."},
    "request": {"description": "The suite that was asked for."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluationResult, (),
                      (format, id, name, source, state, error, dataset, target, created_at,
                       finished_at, done, total, passed, failures, metrics, job, request, metadata))

struct MetricModeShape {
  eval::Mode mode = eval::Mode::native;
  std::string formula;
  std::vector<std::string> needs;
  bool needs_judge = false;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "needs": {"description": "Members of a golden; `a|b`: one of them."}}})";
};
BOOST_DESCRIBE_STRUCT(MetricModeShape, (), (mode, formula, needs, needs_judge))

struct MetricOptionShape {
  std::string name;
  eval::OptionKind kind = eval::OptionKind::text;
  std::string fallback, meaning;
  std::vector<std::string> choices;
};
BOOST_DESCRIBE_STRUCT(MetricOptionShape, (), (name, kind, fallback, meaning, choices))

struct MetricShape {
  std::string name, summary, source;
  bool lower_is_better = false;
  std::vector<MetricModeShape> modes;
  std::vector<MetricOptionShape> options;
};
BOOST_DESCRIBE_STRUCT(MetricShape, (), (name, summary, source, lower_is_better, modes, options))

struct MetricInfoList {
  std::vector<MetricShape> items;
};
BOOST_DESCRIBE_STRUCT(MetricInfoList, (), (items))

struct EvaluatorPath {
  std::string id;
  static constexpr std::string_view schema_notes = R"({"properties": {"id": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluatorPath, (), (id))

struct HourOfScores {
  std::string hour;
  std::optional<double> mean, low, high;
  std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(HourOfScores, (), (hour, mean, low, high, n))

struct EvaluatorScores {
  double sample = 1;
  std::optional<double> mean, low, high;
  std::string method = "none";
  std::int64_t n = 0, errors = 0;
  std::vector<HourOfScores> hours;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "sample": {"description": "The share of the traces that is judged."},
    "n": {"description": "How many runs have a score."},
    "errors": {"description": "How many could not be judged."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluatorScores, (), (sample, mean, low, high, method, n, errors, hours))

}  // namespace slipway::api::detail
