// A run as the database keeps it: what is searched and summed in columns, the rest as one JSON.
#pragma once

#include <string>
#include <vector>

#include "store/database.hpp"
#include "trace/prices.hpp"
#include "trace/run.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

/// All that was said of a run, so that it can be said again and priced again.
struct StoredRun {
  Run run;
  std::int64_t trace = 0;  ///< Row of its trace.
  SentUsage sent_usage;
  SentCost sent_cost;
  std::optional<std::string> request_model, service_tier;
  bool is_unpriced = false;  ///< Used a model whose price nobody knows.
};

/// Joins what a patch says to what is known, and derives status and usage.
void merge(StoredRun& stored, RunPatch&& patch);
/// By the row that holds; what is priced already stays so unless usage or model have changed.
void price(StoredRun& stored, const PriceBook& prices);

/// Columns of `trace_runs`, as `read` wants them.
inline constexpr std::string_view run_columns =
    "r.n, r.trace, r.id, r.parent_id, r.project, r.name, r.kind, r.status, r.error, r.start_ns, "
    "r.end_ns, r.first_token_ns, r.session_id, r.user_id, r.provider, r.model, r.rest, "
    "r.is_unpriced";
/// Payloads too: `r.inputs, r.outputs, r.payload_kinds` follow the columns.
inline constexpr std::string_view payload_columns = ", r.inputs, r.outputs, r.payload_kinds";

Result<StoredRun> read_run(const store::Statement& row, bool with_payload);
/// The payloads of a run that was read without them from the same row.
void read_payload(const store::Statement& row, Run& run);
/// As a new row, or in place of the row of `run.arrival` when that is not 0.
Result<void> write_run(store::Connection& connection, StoredRun& stored);

/// What is searched by words: name, inputs, outputs, error and the values of the metadata.
std::string searched_text(const Run& run);
/// At most 300 characters of the strings in a payload.
std::string preview(const std::optional<Payload>& payload);

}  // namespace slipway::trace::detail
