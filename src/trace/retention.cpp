#include "trace/retention.hpp"

namespace slipway::trace {

Result<std::int64_t> remove_before(const Context& context, TraceStore& store, Nanoseconds time) {
  constexpr int at_once = 100;
  Query query;
  query.to = time;
  query.sort = Sort::start_time;
  query.limit = at_once;
  std::int64_t count = 0;
  for (;;) {
    const Page<TraceSummary> page = TRY(store.traces(context, query));
    for (const TraceSummary& trace : page.items) {
      TRY(context.check());
      const auto removed = store.remove(context, trace.id);
      // Somebody else may have deleted it meanwhile.
      if (!removed && removed.error().code() != Code::not_found) return removed.error();
      count += removed ? 1 : 0;
    }
    if (page.items.size() < at_once) return count;
  }
}

}  // namespace slipway::trace
