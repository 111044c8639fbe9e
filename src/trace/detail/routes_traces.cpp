#include "trace/detail/routes.hpp"
#include "trace/detail/wire.hpp"

namespace slipway::trace::detail {

namespace {

using Traces = http::Written<TraceList>;
using Tree = http::Written<TraceTree>;
using StatsReply = http::Written<StatsShape>;
using Projects = http::Written<ProjectList>;

}  // namespace

void mount_traces(http::Api& api, const Services& services) {
  TraceStore* const store = &services.store;
  api.get<Listing, Traces>(
      "/api/traces",
      {.summary = "List traces",
       .description = "One item a trace: its root's words, tokens and cost of the whole tree.",
       .tag = "traces",
       .role = "read",
       .name = "list_traces"},
      [services](const http::Call& call, const Listing& listing) -> Result<Traces> {
        const Query query = TRY(resolved(call, services, query_of(listing), Listed::traces));
        return Traces{traces_text(TRY(services.store.traces(call.context(), query)))};
      });
  api.get<StatsWish, StatsReply>(
      "/api/traces/stats",
      {.summary = "Count traces, errors, latencies, tokens and cost",
       .tag = "traces",
       .role = "read",
       .name = "trace_stats"},
      [services](const http::Call& call, const StatsWish& wish) -> Result<StatsReply> {
        const Query query = TRY(resolved(
            call, services, query_of(static_cast<const Selection&>(wish)), Listed::traces));
        const Stats stats = TRY(services.store.stats(call.context(), query, wish.group_by));
        return StatsReply{stats_text(stats, wish.group_by.has_value(), upkeep_of(services.store))};
      });
  api.get<TraceWish, Tree>(
      "/api/traces/{trace_id}",
      {.summary = "One trace with all its runs",
       .description = "Children are ordered by their start. A run whose parent has not arrived "
                      "stands in `roots`.",
       .tag = "traces",
       .role = "read",
       .name = "get_trace",
       .fails = {Code::not_found}},
      [store](const http::Call& call, const TraceWish& wish) -> Result<Tree> {
        const Trace trace = TRY(store->trace(call.context(), wish.trace_id, wish.payload));
        return Tree{trace_text(trace, wish.payload ? Payloads::shown : Payloads::left_out)};
      });
  api.remove<TracePath, http::NoContent>(
      "/api/traces/{trace_id}",
      {.summary = "Delete a trace",
       .description = "It is gone from lists, search and costs.",
       .tag = "traces",
       .role = "write",
       .name = "delete_trace",
       .fails = {Code::not_found}},
      [store](const http::Call& call, const TracePath& path) -> Result<http::NoContent> {
        TRY(store->remove(call.context(), path.trace_id));
        return http::NoContent{};
      });
  api.get<Paging, Projects>(
      "/api/projects",
      {.summary = "List the projects that traces belong to",
       .tag = "traces",
       .role = "read",
       .name = "list_projects"},
      [store](const http::Call& call, const Paging& paging) -> Result<Projects> {
        return Projects{
            projects_text(TRY(store->projects(call.context(), paging.limit, paging.cursor)))};
      });
}

}  // namespace slipway::trace::detail
