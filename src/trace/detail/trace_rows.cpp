#include "trace/detail/trace_rows.hpp"

namespace slipway::trace::detail {

namespace {

/// What a trace takes from its root: the run that has the trace's own id (LangSmith), else the
/// first one without a parent; and its times while there is none.
Result<void> settle(store::Connection& connection, std::int64_t trace,
                    const std::string& trace_id) {
  auto root = TRY(connection.prepare(R"sql(
    UPDATE trace_traces SET root = (
      SELECT r.n FROM trace_runs r WHERE r.trace = ?1 AND r.parent_id IS NULL
      ORDER BY r.id = ?2 DESC, r.n LIMIT 1)
    WHERE n = ?1 AND (root IS NULL OR
      NOT EXISTS(SELECT 1 FROM trace_runs r WHERE r.n = root AND r.parent_id IS NULL)))sql"));
  TRY(root.bind(0, trace).bind(1, trace_id).run());
  auto words = TRY(connection.prepare(R"sql(
    UPDATE trace_traces SET project = r.project, status = r.status, start_ns = r.start_ns,
      end_ns = r.end_ns, latency_ns = r.latency_ns FROM trace_runs r
    WHERE trace_traces.n = ?1 AND r.n = trace_traces.root)sql"));
  TRY(words.bind(0, trace).run());
  auto seen = TRY(connection.prepare(R"sql(
    UPDATE trace_traces SET start_ns = s.first, end_ns = s.last, latency_ns = s.last - s.first
    FROM (SELECT min(start_ns) first, max(end_ns) last FROM trace_runs WHERE trace = ?1) s
    WHERE n = ?1 AND root IS NULL)sql"));
  return seen.bind(0, trace).run();
}

}  // namespace

Result<std::string> TraceWriter::trace_of(const RunPatch& patch) {
  if (!patch.trace_id.empty()) return patch.trace_id;
  // A client that does not say: the trace of what it continues, or of its parent.
  for (const std::string& id : {patch.id, patch.parent_id.value_or("")}) {
    if (id.empty()) continue;
    auto select = TRY(connection_.prepare(
        "SELECT t.trace_id FROM trace_runs r JOIN trace_traces t ON t.n = r.trace WHERE r.id = ? "
        "ORDER BY r.n DESC LIMIT 1"));
    if (TRY(select.bind(0, id).step())) return std::string(select.text(0));
  }
  return patch.parent_id.value_or(patch.id);
}

Result<TraceWriter::Touched*> TraceWriter::touch(const std::string& trace_id,
                                                 const RunPatch& patch) {
  const auto [place, is_first] = traces_.try_emplace(trace_id);
  Touched& trace = place->second;
  if (!is_first) return &trace;
  auto select = TRY(connection_.prepare("SELECT n FROM trace_traces WHERE trace_id = ?"));
  if (TRY(select.bind(0, trace_id).step())) {
    trace.n = select.integer(0);
    return &trace;
  }
  auto insert = TRY(connection_.prepare(
      "INSERT INTO trace_traces(trace_id, project, status, start_ns, run_count, error_count, "
      "input_tokens, output_tokens, total_tokens, cost, priced_count) "
      "VALUES(?,?,?,?,0,0,0,0,0,0,0)"));
  insert.bind(0, trace_id).bind(1, patch.project.value_or("default"));
  insert.bind(2, static_cast<int>(Status::pending)).bind(3, patch.start.value_or(0));
  TRY(insert.run());
  trace.n = connection_.last_insert_id();
  trace.is_new = true;
  return &trace;
}

Result<std::optional<StoredRun>> TraceWriter::known_run(Touched& trace, const std::string& id) {
  if (trace.is_new && trace.ids.insert(id).second) return std::optional<StoredRun>();
  auto select = TRY(connection_.prepare(
      fmt::format("SELECT {}{} FROM trace_runs r WHERE r.trace = ? AND r.id = ?", run_columns,
                  payload_columns)));
  if (!TRY(select.bind(0, trace.n).bind(1, id).step())) return std::optional<StoredRun>();
  return std::optional(TRY(read_run(select, true)));
}

void TraceWriter::count(Touched& trace, const StoredRun& stored, std::int64_t sign) {
  const Usage usage = stored.run.usage.value_or(Usage());
  trace.runs += sign;
  trace.errors += stored.run.status == Status::error ? sign : 0;
  trace.input += sign * usage.input_tokens;
  trace.output += sign * usage.output_tokens;
  trace.total += sign * usage.total_tokens;
  trace.cost += stored.run.cost ? sign * stored.run.cost->total.value : 0;
  trace.priced += stored.run.cost ? sign : 0;
}

Result<void> TraceWriter::apply(RunPatch patch) {
  const std::string trace_id = TRY(trace_of(patch));
  Touched& trace = *TRY(touch(trace_id, patch));
  const auto before = TRY(known_run(trace, patch.id));
  StoredRun stored;
  if (before) {
    stored = *before;
    count(trace, *before, -1);
  } else {
    stored.run.id = patch.id;
    stored.trace = trace.n;
  }
  merge(stored, std::move(patch));
  const bool counts_anew =
      !before || stored.run.usage != before->run.usage || stored.run.model != before->run.model ||
      stored.run.provider != before->run.provider || stored.sent_cost != before->sent_cost ||
      stored.service_tier != before->service_tier;
  if (counts_anew) price(stored, prices_);
  TRY(write_run(connection_, stored));
  count(trace, stored, 1);
  auto unread = TRY(connection_.prepare("INSERT OR IGNORE INTO trace_unread(run) VALUES(?)"));
  return unread.bind(0, stored.run.arrival).run();
}

Result<bool> TraceWriter::reprice(StoredRun stored, const PriceRow* row) {
  const StoredRun before = stored;
  if (row == nullptr) {
    price(stored, prices_);
  } else if (stored.run.usage) {
    PriceRow always = *row;
    always.valid_from = 0;
    std::optional<std::string> model = std::exchange(stored.run.model, always.model);
    price(stored, PriceBook({}, {std::move(always)}));
    stored.run.model = std::move(model);
  }
  const auto total = [](const StoredRun& one) {
    return one.run.cost ? std::optional(one.run.cost->total) : std::nullopt;
  };
  TRY(write_run(connection_, stored));
  auto name = TRY(connection_.prepare("SELECT trace_id FROM trace_traces WHERE n = ?"));
  if (!TRY(name.bind(0, stored.trace).step())) return false;
  Touched& trace = traces_[std::string(name.text(0))];
  trace.n = stored.trace;
  count(trace, before, -1);
  count(trace, stored, 1);
  return total(stored) != total(before);
}

Result<void> TraceWriter::finish() {
  for (const auto& [id, trace] : traces_) {
    auto update = TRY(connection_.prepare(
        "UPDATE trace_traces SET run_count = run_count + ?, error_count = error_count + ?, "
        "input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, total_tokens = "
        "total_tokens + ?, cost = cost + ?, priced_count = priced_count + ? WHERE n = ?"));
    update.bind(0, trace.runs).bind(1, trace.errors).bind(2, trace.input).bind(3, trace.output);
    update.bind(4, trace.total).bind(5, trace.cost).bind(6, trace.priced);
    TRY(update.bind(7, trace.n).run());
    TRY(settle(connection_, trace.n, id));
  }
  return {};
}

}  // namespace slipway::trace::detail
