#include "trace/mount.hpp"

#include "trace/detail/routes.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

void mount(http::Api& api, const Services& services) {
  api.add_tag("traces", "What was called, with what, how long it took: trees of runs.");
  api.add_tag("feedback", "What people, programs and models think of runs.");
  api.add_tag("costs", "What calls cost, and the prices that say so.");
  detail::mount_traces(api, services);
  detail::mount_runs(api, services);
  detail::mount_costs(api, services);
  detail::mount_export(api, services);
  detail::mount_native_feedback(api, services);
}

namespace detail {

Result<Query> query_of(const Selection& selection) {
  Query query;
  query.project = selection.project;
  query.name = selection.name;
  query.model = selection.model;
  query.session_id = selection.session_id;
  query.user_id = selection.user_id;
  query.key = selection.key;
  query.prompt = selection.prompt;
  query.tag = selection.tag;
  query.status = selection.status;
  query.kind = selection.kind;
  if (!selection.from.empty()) query.from = TRY(parse_nanoseconds(selection.from).within("from"));
  if (!selection.to.empty()) query.to = TRY(parse_nanoseconds(selection.to).within("to"));
  query.min_latency_ms = selection.min_latency_ms;
  query.max_latency_ms = selection.max_latency_ms;
  query.text = parse_text_query(selection.q);
  if (!selection.filter.empty())
    query.filter = TRY(parse_filter(TRY(json::parse(selection.filter).within("filter"))));
  return query;
}

Result<Query> query_of(const Listing& listing) {
  Query query = TRY(query_of(static_cast<const Selection&>(listing)));
  query.sort = TRY(parse_sort(listing.sort));
  query.limit = listing.limit;
  query.cursor = listing.cursor;
  return query;
}

Result<Query> resolved(const http::Call& call, const Services& services, Result<Query> query,
                       Listed listed) {
  if (query && query->filter)
    TRY(resolve_feedback(call.context(), services.feedbacks, *query->filter, listed));
  return query;
}

}  // namespace detail

}  // namespace slipway::trace
