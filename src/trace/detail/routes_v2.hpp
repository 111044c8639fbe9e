// The second version of LangSmith's API: runs, traces, threads, projects.
#pragma once

#include "trace/detail/v2_wire.hpp"

namespace slipway::trace::detail {

void mount_v2_runs(http::Router& router, const LangSmithFace& face, const Services& services);
void mount_v2_threads(http::Router& router, const LangSmithFace& face, const Services& services);
void mount_v2_sessions(http::Router& router, const LangSmithFace& face, const Services& services);

/// POST /runs/stats of the first version.
void mount_run_stats(http::Router& router, const LangSmithFace& face, const Services& services);

/// The body of a query of v2 as one of v1: {"project_ids", "min_start_time", "has_error", ...}.
/// A query without times asks for the last day. Fails: invalid_argument naming the member.
Result<json::Object> v1_query(const json::Object& body);

/// Every run of the query, at most `most`. Fails: invalid_argument (there are more: narrow it).
Result<std::vector<Run>> all_runs(const Context& context, const Services& services,
                                  const json::Object& v1_body, std::size_t most);

/// Of many runs: {"run_count", "latency_p50", "total_tokens", ...}.
struct RunTotals {
  std::vector<double> latencies_ms, first_tokens_ms;  ///< Sorted by `finish`.
  std::vector<std::int64_t> tokens;
  std::int64_t runs = 0, errors = 0, streamed = 0;
  Usage usage;
  Picodollars prompt, completion, total;
  bool is_priced = false;
  Nanoseconds first_start = 0, last_start = 0;
  std::optional<Nanoseconds> last_end;

  void add(const Run& run);
  void finish();
};

}  // namespace slipway::trace::detail
