// What readers of the store are answered, out of one view of it.
#pragma once

#include "trace/detail/best_rows.hpp"
#include "trace/detail/part_sums.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

// Fails, all of them: invalid_argument (damaged), and when the context ends.

/// Fails: not_found.
Result<Trace> read_trace(const View& view, const std::string& trace_id, bool with_payload);
/// Fails: not_found.
Result<Run> read_one_run(const View& view, const std::string& id, const std::string& trace_id);
std::vector<std::string> read_child_ids(const View& view, const Run& run);
Result<Page<TraceSummary>> read_traces(const Context& context, const View& view,
                                       const Query& query);
Result<Page<Run>> read_runs(const Context& context, const View& view, const Query& query);
/// How what is found is added up.
struct Dashboard {
  std::optional<GroupBy> group_by;  ///< Of costs: by model where nothing is said.
  PartSums* sums = nullptr;         ///< Null: everything is walked.
  /// Of so many traces at most percentiles are exact.
  std::size_t exact_max = LatencyRoom::exact_max;
};
Result<Stats> read_stats(const Context& context, const View& view, const Query& query,
                         const Dashboard& dashboard);
Result<CostReport> read_costs(const Context& context, const View& view, const Query& query,
                              const Dashboard& dashboard);

}  // namespace slipway::trace::detail
