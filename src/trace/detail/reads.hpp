// Reads of the store, each within one snapshot.
#pragma once

#include <functional>

#include "trace/detail/selection.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

Result<Trace> read_trace(store::Connection& connection, const std::string& trace_id,
                         bool with_payload);
Result<Run> read_one_run(store::Connection& connection, const std::string& id,
                         const std::string& trace_id);
Result<std::vector<std::string>> read_child_ids(store::Connection& connection, const Run& run);
Result<Page<TraceSummary>> read_traces(store::Connection& connection, const Query& query);
Result<Page<Run>> read_runs(store::Connection& connection, const Query& query);
Result<Stats> read_stats(store::Connection& connection, const Query& query,
                         std::optional<GroupBy> group_by);
Result<CostReport> read_costs(store::Connection& connection, const Query& query, GroupBy group_by);
Result<Page<Project>> read_projects(store::Connection& connection, int limit,
                                    const std::string& cursor);

}  // namespace slipway::trace::detail
