#include "trace/detail/import.hpp"

#include "core/log.hpp"
#include "trace/detail/schema.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t bytes_at_once = 32u << 20;

Row row_of(StoredRun&& stored) {
  PayloadPtr inputs, outputs;
  if (stored.run.inputs) inputs = make_payload(*std::move(stored.run.inputs));
  if (stored.run.outputs) outputs = make_payload(*std::move(stored.run.outputs));
  return make_row(stored, std::move(inputs), std::move(outputs));
}

Result<void> read_all(store::Connection& connection, Filing& filing, Arrivals& arrivals) {
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {}{}, t.trace_id FROM trace_runs r JOIN trace_traces t ON t.n = r.trace "
                  "ORDER BY r.trace, r.n",
                  run_columns, payload_columns)));
  constexpr int trace_id_column = 21;
  std::vector<MemTracePtr> traces;
  std::shared_ptr<MemTrace> trace;
  std::size_t bytes = 0, count = 0;
  const auto end_trace = [&]() -> Result<void> {
    if (!trace) return {};
    settle_trace(*trace);
    bytes += trace->bytes;
    traces.push_back(std::exchange(trace, nullptr));
    if (bytes < bytes_at_once) return {};
    bytes = 0;
    return filing.add(std::exchange(traces, {}));
  };
  while (TRY(select.step())) {
    StoredRun stored = TRY(read_run(select, true));
    const std::string_view id = select.text(trace_id_column);
    if (!trace || trace->id != id) {
      TRY(end_trace());
      trace = std::make_shared<MemTrace>();
      trace->id = id;
      trace->head.number(TraceNumber::n) = stored.trace;
      arrivals.next_trace = std::max(arrivals.next_trace, stored.trace + 1);
    }
    arrivals.next_run = std::max(arrivals.next_run, stored.run.arrival + 1);
    trace->rows.push_back(std::make_shared<const Row>(row_of(std::move(stored))));
    ++count;
  }
  TRY(end_trace());
  if (!traces.empty()) TRY(filing.add(std::move(traces)));
  log::info("traces: {} runs were taken over from the database of the version before", count);
  return {};
}

}  // namespace

Result<void> import_database(const Import& import, Filing& filing, Arrivals& arrivals) {
  const std::filesystem::path& path = import.path;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  if (!import.is_done) {
    const auto database = TRY(store::Database::open({.path = path}, migrations()));
    TRY(database->read(Context(), [&](store::Connection& connection) {
      return read_all(connection, filing, arrivals);
    }));
    TRY(database->settle(Context()));
    TRY(filing.publish(arrivals));
  }
  const std::filesystem::path aside = path.string() + ".imported";
  std::filesystem::rename(path, aside, error);
  if (error)
    return fail(Code::unavailable, "cannot rename {} to {}: {}", path.string(), aside.string(),
                error.message());
  for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(path.string() + end, error);
  log::info("traces: {} is not used any more and may be deleted", aside.string());
  return {};
}

}  // namespace slipway::trace::detail
