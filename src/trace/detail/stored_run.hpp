// A run with all that was said of it, how patches make it, and the part of it that is stored as one
// JSON. Rows of the version before, which kept runs in SQLite, are read here too.
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
  std::int64_t trace = 0;  ///< Row of its trace, in the database of the version before.
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
/// All of a run that lists do not look at, as one JSON: what `run_columns` have no column for, and
/// the error. Empty: there is nothing.
std::string rest_text(const StoredRun& stored);
/// The reverse, into a run that has the rest already. Fails: invalid_argument (damaged).
Result<void> take_rest_text(StoredRun& stored, std::string_view text);

/// At most 300 characters of the strings in a payload.
std::string preview(const std::optional<Payload>& payload);

}  // namespace slipway::trace::detail
