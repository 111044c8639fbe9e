// Goldens of traces as somebody asks for them: on the command line, or over HTTP.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "datasets/datasets.hpp"
#include "trace/feedback.hpp"
#include "trace/store.hpp"

namespace slipway::eval {

/// What is absent is not asked for.
struct TraceGoldensWish {
  std::optional<std::string> dataset;  ///< Absent: the goldens are given and kept nowhere.
  std::optional<std::string> project, from, to, q;
  std::optional<json::Object> filter;
  std::optional<std::int64_t> sample;
  std::int64_t seed = 1;
  bool failed = false;
  bool redact = false;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "dataset": {"minLength": 1, "maxLength": 512, "pattern": "^[^@]*$", "description":
      "Where they are added, made where there is none; else they are in the reply."},
    "from": {"description": "Began at this time or later (RFC 3339)."},
    "to": {"description": "Began before this time."},
    "q": {"description": "With these words."},
    "filter": {"description": "As `filter` of /api/traces, as an object: `{\"status\": \"ok\"}`."},
    "sample": {"minimum": 1, "description": "So many of them, by chance; of `failed`, all."},
    "seed": {"description": "Of the chance."},
    "failed": {"description":
      "Only those that failed, as critical goldens: errors, scores below 0.5, corrections."},
    "redact": {"description": "Mask personal data, and what traces.mask names."}}})";
};
BOOST_DESCRIBE_STRUCT(TraceGoldensWish, (),
                      (dataset, project, from, to, q, filter, sample, seed, failed, redact))

struct TraceGoldensReport {
  std::optional<std::string> dataset;
  std::int64_t matched = 0;     ///< Traces that the query finds.
  std::int64_t taken = 0;       ///< Of them, those that gave a golden.
  std::int64_t incomplete = 0;  ///< Of them, those without a root.
  std::int64_t added = 0;
  std::int64_t answered = 0;          ///< That were there already and got a person's answer.
  std::int64_t known = 0;             ///< That were there already.
  std::int64_t size = 0;              ///< Of the dataset.
  std::string digest;                 ///< The dataset's version.
  std::vector<json::Object> goldens;  ///< Where there is no dataset.
};
BOOST_DESCRIBE_STRUCT(TraceGoldensReport, (),
                      (dataset, matched, taken, incomplete, added, answered, known, size, digest,
                       goldens))

/// All must outlive the call.
struct TraceGoldensDoors {
  trace::TraceStore& store;
  trace::Feedbacks& feedbacks;
  datasets::Datasets& datasets;
  const std::vector<std::string>& mask;  ///< Rules of `traces.mask`.
};

/// Whether it can be taken, before anything is opened. Fails: invalid_argument naming the member.
Result<void> check(const TraceGoldensWish& wish);
/// Looks through the traces and adds what the dataset lacks: again, it adds what is new. Fails: as
/// `check` and `goldens_of_traces`.
Result<TraceGoldensReport> take_trace_goldens(const Context& context,
                                              const TraceGoldensDoors& doors,
                                              const TraceGoldensWish& wish);

}  // namespace slipway::eval
