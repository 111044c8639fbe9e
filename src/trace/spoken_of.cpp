#include "trace/spoken_of.hpp"

#include "trace/sessions.hpp"

namespace slipway::trace {

Result<std::set<std::string>> spoken_of(const Context& context, store::Database& database,
                                        const std::vector<std::string>& trace_ids,
                                        const Clock& clock) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(
      (clock.now() - std::chrono::hours(1)).time_since_epoch());
  std::set<std::string> known;
  TRY(database.read(context, [&](store::Connection& connection) -> Result<void> {
    // The root of a trace of LangSmith has its id.
    auto select = TRY(connection.prepare(
        "SELECT trace_id, trace_uuid, run_id, run_uuid FROM trace_feedback "
        "WHERE created_ns >= ? AND run_uuid IS NOT NULL AND source_type IN ('api', 'app')"));
    select.bind(0, since.count());
    while (TRY(select.step()))
      for (const int column : {0, 2}) {
        if (select.is_null(column)) continue;
        known.emplace(select.text(column));
        if (select.is_null(column + 1)) continue;
        for (std::string& id : ids_behind(std::string(select.text(column + 1))))
          known.insert(std::move(id));
      }
    return {};
  }));
  std::set<std::string> found;
  for (const std::string& trace_id : trace_ids)
    if (known.contains(trace_id)) found.insert(trace_id);
  return found;
}

}  // namespace slipway::trace
