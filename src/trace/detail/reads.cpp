#include "trace/detail/reads.hpp"

#include <map>

#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::string_view summary_columns =
    ", t.trace_id, t.project, t.status, t.start_ns, t.end_ns, t.run_count, t.error_count, "
    "t.input_tokens, t.output_tokens, t.total_tokens, t.cost, t.priced_count, t.n, t.root";
/// `run_columns` and `payload_columns` come before.
constexpr int first_summary_column = 21;

/// A row of traces with their roots.
struct TraceRow {
  std::int64_t n = 0;
  TraceSummary summary;
  Run root;  ///< Empty when there is none.
};

Result<std::vector<std::string>> models_of(store::Connection& connection, std::int64_t trace) {
  std::vector<std::string> models;
  auto select = TRY(connection.prepare(
      "SELECT model FROM trace_runs WHERE trace = ? AND model IS NOT NULL GROUP BY model ORDER BY "
      "min(n)"));
  select.bind(0, trace);
  while (TRY(select.step())) models.emplace_back(select.text(0));
  return models;
}

Result<TraceRow> read_trace_row(store::Connection& connection, const store::Statement& row) {
  constexpr int at = first_summary_column;
  TraceRow found;
  TraceSummary& summary = found.summary;
  summary.id = row.text(at);
  summary.project = row.text(at + 1);
  summary.status = static_cast<Status>(row.integer(at + 2));
  summary.start = row.integer(at + 3);
  if (!row.is_null(at + 4)) summary.end = row.integer(at + 4);
  summary.run_count = row.integer(at + 5);
  summary.error_count = row.integer(at + 6);
  summary.input_tokens = row.integer(at + 7);
  summary.output_tokens = row.integer(at + 8);
  summary.total_tokens = row.integer(at + 9);
  if (row.integer(at + 11) > 0) summary.cost = Picodollars{row.integer(at + 10)};
  found.n = row.integer(at + 12);
  summary.models = TRY(models_of(connection, found.n));
  if (row.is_null(at + 13)) return found;
  found.root = TRY(read_run(row, true)).run;
  found.root.trace_id = summary.id;
  summary.name = found.root.name;
  summary.kind = found.root.kind;
  summary.error = found.root.error;
  summary.tags = found.root.tags;
  summary.session_id = found.root.session_id;
  summary.user_id = found.root.user_id;
  return found;
}

void add_previews(TraceRow& row) {
  row.summary.inputs_preview = preview(row.root.inputs);
  row.summary.outputs_preview = preview(row.root.outputs);
}

/// The rows of a query from its cursor on, in its order, until `sink` gives false.
Result<void> walk_traces(store::Connection& connection, const Query& query,
                         const std::function<bool(TraceRow&&)>& sink) {
  Conditions conditions = trace_conditions(query);
  const Order order = order_of(query.sort, "t");
  if (const auto cursor = TRY(parse_cursor(query)))
    conditions.add(order.beyond("t"), {cursor->value, cursor->n});
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT {}{}{} FROM trace_traces t LEFT JOIN trace_runs r ON r.n = t.root{}{}", run_columns,
      payload_columns, summary_columns, conditions.text(), order.text("t"))));
  conditions.bind(select);
  while (TRY(select.step())) {
    TraceRow row = TRY(read_trace_row(connection, select));
    if (query.filter && !matches(*query.filter, lookup_in(row.summary, row.root))) continue;
    if (!sink(std::move(row))) break;
  }
  return {};
}

Result<void> walk_runs(store::Connection& connection, const Query& query,
                       const std::function<bool(Run&&)>& sink, bool with_payload) {
  Conditions conditions = run_conditions(query);
  const Order order = order_of(query.sort, "r");
  if (const auto cursor = TRY(parse_cursor(query)))
    conditions.add(order.beyond("r"), {cursor->value, cursor->n});
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT {}{}, t.trace_id FROM trace_runs r JOIN trace_traces t ON t.n = r.trace{}{}",
      run_columns, payload_columns, conditions.text(), order.text("r"))));
  conditions.bind(select);
  while (TRY(select.step())) {
    Run run = TRY(read_run(select, false)).run;
    run.trace_id = select.text(first_summary_column);
    if (query.filter && !matches(*query.filter, lookup_in(run))) continue;
    if (with_payload) read_payload(select, run);
    if (!sink(std::move(run))) break;
  }
  return {};
}

std::int64_t sort_value(const Query& query, std::int64_t start, std::optional<std::int64_t> latency,
                        std::optional<Picodollars> cost, std::int64_t tokens) {
  switch (query.sort) {
    case Sort::start_time:
    case Sort::start_time_descending: return start;
    case Sort::latency_ms:
    case Sort::latency_ms_descending: return latency.value_or(-1);
    case Sort::cost_usd:
    case Sort::cost_usd_descending: return cost ? cost->value : -1;
    case Sort::total_tokens:
    case Sort::total_tokens_descending: return tokens;
  }
  return 0;
}

std::optional<Nanoseconds> latency(Nanoseconds start, const std::optional<Nanoseconds>& end) {
  return end ? std::optional(*end - start) : std::nullopt;
}

/// "2026-11-23" or "2026-11-23T08:00:00Z" of a time.
std::string day_or_hour(Nanoseconds time, bool is_day) {
  const std::string text = time_text(time);
  return is_day ? text.substr(0, 10) : text.substr(0, 13) + ":00:00Z";
}

std::string group_key(GroupBy group_by, const Run& run) {
  switch (group_by) {
    case GroupBy::model: return run.model.value_or("");
    case GroupBy::project: return run.project;
    case GroupBy::user: return run.user_id.value_or("");
    case GroupBy::session: return run.session_id.value_or("");
    case GroupBy::kind: return std::string(json::name(run.kind));
    case GroupBy::day: return day_or_hour(run.start, true);
    case GroupBy::hour: return day_or_hour(run.start, false);
  }
  return "";
}

/// Sums of what is walked, and all latencies: percentiles are exact.
struct Gathering {
  StatsRow row;
  std::vector<Nanoseconds> latencies;

  void add(const TraceSummary& summary) {
    ++row.traces;
    row.runs += summary.run_count;
    row.errors += summary.status == Status::error ? 1 : 0;
    row.input_tokens += summary.input_tokens;
    row.output_tokens += summary.output_tokens;
    if (summary.cost) row.cost += *summary.cost;
    if (const auto time = latency(summary.start, summary.end)) latencies.push_back(*time);
  }
  StatsRow finish() {
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](double share) -> std::optional<double> {
      if (latencies.empty()) return {};
      // Nearest rank.
      const auto rank = static_cast<std::size_t>(share * static_cast<double>(latencies.size()));
      constexpr double nanoseconds_per_millisecond = 1e6;
      return static_cast<double>(latencies[std::min(rank, latencies.size() - 1)]) /
             nanoseconds_per_millisecond;
    };
    row.p50_ms = at(0.5);
    row.p95_ms = at(0.95);
    row.p99_ms = at(0.99);
    return std::move(row);
  }
};

}  // namespace

Result<Trace> read_trace(store::Connection& connection, const std::string& trace_id,
                         bool with_payload) {
  Trace trace;
  std::optional<std::int64_t> row;
  Query query;
  query.trace_id = trace_id;
  TRY(walk_traces(connection, query, [&](TraceRow&& found) {
    add_previews(found);
    row = found.n;
    trace.summary = std::move(found.summary);
    return false;
  }));
  if (!row) return fail(Code::not_found, "there is no trace '{}'", trace_id.substr(0, 100));
  auto select = TRY(connection.prepare(
      fmt::format("SELECT {}{} FROM trace_runs r WHERE r.trace = ? ORDER BY r.start_ns, r.n",
                  run_columns, payload_columns)));
  select.bind(0, *row);
  while (TRY(select.step())) {
    Run run = TRY(read_run(select, with_payload)).run;
    run.trace_id = trace_id;
    if (!with_payload) {
      run.events.clear();
      run.attributes.clear();
    }
    trace.runs.push_back(std::move(run));
  }
  return trace;
}

Result<Run> read_one_run(store::Connection& connection, const std::string& id,
                         const std::string& trace_id) {
  auto select = TRY(connection.prepare(fmt::format(
      "SELECT {}{}, t.trace_id FROM trace_runs r JOIN trace_traces t ON t.n = r.trace WHERE r.id = "
      "?1 AND (?2 = '' OR t.trace_id = ?2) ORDER BY r.n DESC LIMIT 1",
      run_columns, payload_columns)));
  if (!TRY(select.bind(0, id).bind(1, trace_id).step()))
    return fail(Code::not_found, "there is no run '{}'", id.substr(0, 100));
  Run run = TRY(read_run(select, true)).run;
  run.trace_id = select.text(first_summary_column);
  return run;
}

Result<std::vector<std::string>> read_child_ids(store::Connection& connection, const Run& run) {
  std::vector<std::string> ids;
  auto select = TRY(connection.prepare(
      "SELECT id FROM trace_runs WHERE trace = (SELECT trace FROM trace_runs WHERE n = ?) AND "
      "parent_id = ? ORDER BY start_ns, n"));
  select.bind(0, run.arrival).bind(1, run.id);
  while (TRY(select.step())) ids.emplace_back(select.text(0));
  return ids;
}

Result<Page<TraceSummary>> read_traces(store::Connection& connection, const Query& query) {
  Page<TraceSummary> page;
  std::optional<Cursor> last;
  TRY(walk_traces(connection, query, [&](TraceRow&& row) {
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = cursor_text(query, *last);
      return false;
    }
    add_previews(row);
    const TraceSummary& one = row.summary;
    last = {sort_value(query, one.start, latency(one.start, one.end), one.cost, one.total_tokens),
            row.n};
    page.items.push_back(std::move(row.summary));
    return true;
  }));
  return page;
}

Result<Page<Run>> read_runs(store::Connection& connection, const Query& query) {
  Page<Run> page;
  std::optional<Cursor> last;
  const auto take = [&](Run&& run) {
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = cursor_text(query, *last);
      return false;
    }
    const auto cost = run.cost ? std::optional(run.cost->total) : std::nullopt;
    const std::int64_t tokens = run.usage ? run.usage->total_tokens : 0;
    last = {sort_value(query, run.start, latency(run.start, run.end), cost, tokens), run.arrival};
    page.items.push_back(std::move(run));
    return true;
  };
  TRY(walk_runs(connection, query, take, query.with_payload));
  return page;
}

Result<Stats> read_stats(store::Connection& connection, const Query& query,
                         std::optional<GroupBy> group_by) {
  Gathering all;
  std::map<std::string, Gathering> groups;
  Query whole = query;
  whole.cursor.clear();
  whole.sort = Sort::start_time_descending;
  TRY(walk_traces(connection, whole, [&](TraceRow&& row) {
    all.add(row.summary);
    if (!group_by) return true;
    row.root.project = row.summary.project;
    row.root.start = row.summary.start;
    if (*group_by == GroupBy::model)
      for (const std::string& model : row.summary.models) groups[model].add(row.summary);
    else
      groups[group_key(*group_by, row.root)].add(row.summary);
    return true;
  }));
  Stats stats;
  stats.all = all.finish();
  for (auto& [key, gathering] : groups) {
    stats.groups.push_back(gathering.finish());
    stats.groups.back().key = key;
  }
  return stats;
}

Result<CostReport> read_costs(store::Connection& connection, const Query& query, GroupBy group_by) {
  CostReport report;
  std::map<std::string, CostGroup> groups;
  Query whole = query;
  whole.cursor.clear();
  whole.sort = Sort::start_time_descending;
  const auto add = [&](Run&& run) {
    if (!run.usage && !run.cost) return true;
    CostGroup& group = groups[group_key(group_by, run)];
    ++group.runs;
    const Usage usage = run.usage.value_or(Usage());
    group.input_tokens += usage.input_tokens;
    group.output_tokens += usage.output_tokens;
    group.cache_read_tokens += usage.cache_read_tokens;
    if (run.cost) {
      group.cost += run.cost->total;
      report.total += run.cost->total;
    } else {
      ++report.unpriced_runs;
    }
    return true;
  };
  TRY(walk_runs(connection, whole, add, false));
  for (auto& [key, group] : groups) {
    group.key = key;
    report.groups.push_back(std::move(group));
  }
  std::stable_sort(report.groups.begin(), report.groups.end(),
                   [](const CostGroup& a, const CostGroup& b) { return a.cost > b.cost; });
  return report;
}

Result<Page<Project>> read_projects(store::Connection& connection, int limit,
                                    const std::string& cursor) {
  Page<Project> page;
  auto select = TRY(connection.prepare(R"sql(
    SELECT r.project, count(DISTINCT r.trace), count(*), max(r.start_ns) FROM trace_runs r
    WHERE r.project > ? GROUP BY r.project ORDER BY r.project LIMIT ?)sql"));
  select.bind(0, cursor).bind(1, limit + 1);
  while (TRY(select.step())) {
    if (page.items.size() == static_cast<std::size_t>(limit)) {
      page.next_cursor = page.items.back().name;
      break;
    }
    page.items.push_back(
        {std::string(select.text(0)), select.integer(1), select.integer(2), select.integer(3)});
  }
  return page;
}

}  // namespace slipway::trace::detail
