#include "trace/detail/part_reads.hpp"

#include <algorithm>

#include "trace/detail/latencies.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

struct Place {
  const PartView* view = nullptr;
  std::size_t row = 0;
};

std::optional<Place> find_trace(const View& view, const std::string& trace_id) {
  for (const PartView& one : view)
    if (const auto row = one.part->find_trace(trace_id); row && !one.is_dead(*row))
      return Place{&one, *row};
  return {};
}

Result<TraceSummary> summary_of(const Part& part, std::size_t trace, bool with_previews) {
  const auto number = [&](TraceNumber which) { return part.number(which, trace); };
  TraceSummary summary;
  summary.id = part.trace_id(trace);
  summary.project = part.project(trace);
  summary.status = static_cast<Status>(number(TraceNumber::status));
  summary.start = number(TraceNumber::start);
  if ((number(TraceNumber::flags) & has_end) != 0)
    summary.end = summary.start + number(TraceNumber::latency);
  summary.run_count = number(TraceNumber::run_count);
  summary.error_count = number(TraceNumber::errors);
  summary.input_tokens = number(TraceNumber::input);
  summary.output_tokens = number(TraceNumber::output);
  summary.total_tokens = number(TraceNumber::total);
  if ((number(TraceNumber::flags) & has_cost) != 0)
    summary.cost = Picodollars{number(TraceNumber::cost)};
  summary.models = models_of(part, trace);
  const auto root = root_run(part, trace);
  if (!root) return summary;
  const Row row = TRY(part.row(*root, (part.number(RunNumber::flags, *root) & has_error) != 0));
  Run run = row.has(has_error) ? TRY(run_of(row, false)) : head_of(row);
  summary.name = std::move(run.name);
  summary.kind = run.kind;
  summary.error = std::move(run.error);
  summary.tags = std::move(run.tags);
  summary.session_id = std::move(run.session_id);
  summary.user_id = std::move(run.user_id);
  if (!with_previews) return summary;
  Previews previews = TRY(part.previews(trace));
  summary.inputs_preview = std::move(previews.inputs);
  summary.outputs_preview = std::move(previews.outputs);
  return summary;
}

Result<Run> whole_run(const Part& part, std::size_t run, bool with_payload) {
  Run found = TRY(run_of(TRY(part.row(run, true)), with_payload));
  found.trace_id = part.trace_id(part.trace_of(run));
  return found;
}

/// "2026-11-23" or "2026-11-23T08:00:00Z" of a time.
std::string day_or_hour(Nanoseconds time, bool is_day) {
  const std::string text = time_text(time);
  return is_day ? text.substr(0, 10) : text.substr(0, 13) + ":00:00Z";
}

/// Of a run; `run` is absent for a trace without a root.
std::string group_key(const Part& part, GroupBy group_by, std::optional<std::size_t> run) {
  const auto text = [&](RunText which) {
    return run ? part.text(which, *run).value_or("") : std::string();
  };
  switch (group_by) {
    case GroupBy::model: return text(RunText::model);
    case GroupBy::project: return text(RunText::project);
    case GroupBy::user: return text(RunText::user);
    case GroupBy::session: return text(RunText::session);
    case GroupBy::key: return text(RunText::key);
    case GroupBy::prompt: return text(RunText::prompt);
    case GroupBy::kind: {
      const auto kind = run ? static_cast<Kind>(part.number(RunNumber::kind, *run)) : Kind::span;
      return std::string(json::name(kind));
    }
    case GroupBy::day:
    case GroupBy::hour: break;
  }
  return {};
}

/// Groups of what is walked. A text of one part is looked up once.
template <typename Group>
class Groups {
 public:
  explicit Groups(GroupBy group_by) : group_by_(group_by) {}

  Group& of_run(const Part& part, std::size_t run) {
    if (is_time()) return of_time(part.number(RunNumber::start, run));
    return of_code(part, code(part, run), run);
  }
  Group& of_trace(const Part& part, std::size_t trace) {
    if (is_time()) return of_time(part.number(TraceNumber::start, trace));
    if (group_by_ == GroupBy::project) return groups_[part.project(trace)];
    const auto root = root_run(part, trace);
    return root ? of_code(part, code(part, *root), *root) : groups_[group_key(part, group_by_, {})];
  }
  std::map<std::string, Group>& all() { return groups_; }
  Group& named(const std::string& key) { return groups_[key]; }

 private:
  bool is_time() const { return group_by_ == GroupBy::day || group_by_ == GroupBy::hour; }
  std::uint64_t code(const Part& part, std::size_t run) const {
    switch (group_by_) {
      case GroupBy::model: return part.code(RunText::model, run);
      case GroupBy::project: return part.code(RunText::project, run);
      case GroupBy::user: return part.code(RunText::user, run);
      case GroupBy::session: return part.code(RunText::session, run);
      case GroupBy::key: return part.code(RunText::key, run);
      case GroupBy::prompt: return part.code(RunText::prompt, run);
      default: return static_cast<std::uint64_t>(part.number(RunNumber::kind, run));
    }
  }
  Group& of_code(const Part& part, std::uint64_t code, std::size_t run) {
    if (part_ != &part) known_.clear();
    part_ = &part;
    Group*& known = known_[code];
    if (known == nullptr) known = &groups_[group_key(part, group_by_, run)];
    return *known;
  }
  Group& of_time(Nanoseconds time) {
    constexpr Nanoseconds hour = 3'600'000'000'000;
    const Nanoseconds length = group_by_ == GroupBy::day ? 24 * hour : hour;
    const Nanoseconds begin = time / length - (time % length < 0 ? 1 : 0);
    Group*& known = times_[begin];
    if (known == nullptr) known = &groups_[day_or_hour(time, group_by_ == GroupBy::day)];
    return *known;
  }

  const GroupBy group_by_;
  std::map<std::string, Group> groups_;  ///< Its elements stay where they are.
  const Part* part_ = nullptr;
  std::unordered_map<std::uint64_t, Group*> known_;
  std::unordered_map<Nanoseconds, Group*> times_;
};

/// Sums of what is walked, and its latencies.
struct Gathering {
  StatsRow row;
  Latencies latencies;

  void add(const Part& part, std::size_t trace, LatencyRoom& room) {
    const auto number = [&](TraceNumber which) { return part.number(which, trace); };
    ++row.traces;
    row.runs += number(TraceNumber::run_count);
    row.errors += number(TraceNumber::status) == static_cast<std::int64_t>(Status::error) ? 1 : 0;
    row.input_tokens += number(TraceNumber::input);
    row.output_tokens += number(TraceNumber::output);
    const std::int64_t flags = number(TraceNumber::flags);
    if ((flags & has_cost) != 0) row.cost += Picodollars{number(TraceNumber::cost)};
    if ((flags & has_end) != 0) latencies.add(number(TraceNumber::latency), room);
  }
  void merge(const Gathering& other, LatencyRoom& room) {
    row.traces += other.row.traces;
    row.runs += other.row.runs;
    row.errors += other.row.errors;
    row.input_tokens += other.row.input_tokens;
    row.output_tokens += other.row.output_tokens;
    row.cost += other.row.cost;
    latencies.merge(other.latencies, room);
  }
  StatsRow finish() {
    row.p50_ms = latencies.at(0.5);
    row.p95_ms = latencies.at(0.95);
    row.p99_ms = latencies.at(0.99);
    return std::move(row);
  }
};

template <typename Item>
void set_cursor(Page<Item>& page, const Query& query, std::vector<Hit>& hits) {
  if (hits.size() <= static_cast<std::size_t>(query.limit)) return;
  hits.pop_back();
  page.next_cursor = cursor_text(query, {hits.back().value, hits.back().n});
}

}  // namespace

Result<Trace> read_trace(const View& view, const std::string& trace_id, bool with_payload) {
  const auto place = find_trace(view, trace_id);
  if (!place) return fail(Code::not_found, "there is no trace '{}'", trace_id.substr(0, 100));
  const Part& part = *place->view->part;
  Trace trace;
  trace.summary = TRY(summary_of(part, place->row, true));
  const auto [begin, end] = runs_of(part, place->row);
  trace.runs.reserve(end - begin);
  for (std::size_t run = begin; run < end; ++run) {
    trace.runs.push_back(TRY(run_of(TRY(part.row(run, true)), with_payload)));
    Run& added = trace.runs.back();
    added.trace_id = trace_id;
    if (with_payload) continue;
    added.events.clear();
    added.attributes.clear();
  }
  std::stable_sort(trace.runs.begin(), trace.runs.end(), [](const Run& a, const Run& b) {
    return std::pair(a.start, a.arrival) < std::pair(b.start, b.arrival);
  });
  return trace;
}

Result<Run> read_one_run(const View& view, const std::string& id, const std::string& trace_id) {
  std::optional<Place> found;
  std::int64_t youngest = -1;
  for (const PartView& one : view)
    for (const std::size_t run : one.part->find_runs(id)) {
      const std::size_t trace = one.part->trace_of(run);
      if (one.is_dead(trace) || (!trace_id.empty() && one.part->trace_id(trace) != trace_id))
        continue;
      const std::int64_t n = one.part->number(RunNumber::n, run);
      if (n > youngest) found = Place{&one, run};
      youngest = std::max(youngest, n);
    }
  if (!found) return fail(Code::not_found, "there is no run '{}'", id.substr(0, 100));
  return whole_run(*found->view->part, found->row, true);
}

std::vector<std::string> read_child_ids(const View& view, const Run& run) {
  std::vector<std::string> ids;
  const auto place = find_trace(view, run.trace_id);
  if (!place) return ids;
  const Part& part = *place->view->part;
  const auto [begin, end] = runs_of(part, place->row);
  std::vector<std::pair<Nanoseconds, std::size_t>> children;
  for (std::size_t child = begin; child < end; ++child)
    if (part.parent_id(child) == run.id)
      children.emplace_back(part.number(RunNumber::start, child), child);
  std::sort(children.begin(), children.end());
  for (const auto& [start, child] : children) ids.push_back(part.run_id(child));
  return ids;
}

Result<Page<TraceSummary>> read_traces(const Context& context, const View& view,
                                       const Query& query) {
  Page<TraceSummary> page;
  std::vector<Hit> hits = TRY(best_rows(context, Table::traces, query, view));
  set_cursor(page, query, hits);
  for (const Hit& hit : hits)
    page.items.push_back(TRY(summary_of(*view[hit.part].part, hit.row, true)));
  return page;
}

Result<Page<Run>> read_runs(const Context& context, const View& view, const Query& query) {
  Page<Run> page;
  std::vector<Hit> hits = TRY(best_rows(context, Table::runs, query, view));
  set_cursor(page, query, hits);
  for (const Hit& hit : hits)
    page.items.push_back(TRY(whole_run(*view[hit.part].part, hit.row, query.with_payload)));
  return page;
}

Result<Stats> read_stats(const Context& context, const View& view, const Query& query,
                         std::optional<GroupBy> group_by) {
  Gathering all;
  LatencyRoom room;
  Groups<Gathering> groups(group_by.value_or(GroupBy::project));
  // A trace is in one group, or in that of each model which it asked.
  const bool is_divided = group_by && *group_by != GroupBy::model;
  TRY(for_each_match(context, Table::traces, query, view, [&](const Part& part, std::size_t trace) {
    if (is_divided) return groups.of_trace(part, trace).add(part, trace, room);
    all.add(part, trace, room);
    if (!group_by) return;
    for (const std::string& model : models_of(part, trace))
      groups.named(model).add(part, trace, room);
  }));
  Stats stats;
  for (auto& [key, gathering] : groups.all()) {
    if (is_divided) all.merge(gathering, room);
    stats.groups.push_back(gathering.finish());
    stats.groups.back().key = key;
    gathering.latencies.clear(room);
  }
  stats.all = all.finish();
  return stats;
}

Result<CostReport> read_costs(const Context& context, const View& view, const Query& query,
                              GroupBy group_by) {
  CostReport report;
  Groups<CostGroup> groups(group_by);
  TRY(for_each_match(context, Table::runs, query, view, [&](const Part& part, std::size_t run) {
    const std::int64_t flags = part.number(RunNumber::flags, run);
    if ((flags & (counts_tokens | counts_cost)) == 0) return;
    CostGroup& group = groups.of_run(part, run);
    ++group.runs;
    if ((flags & counts_tokens) != 0) {
      group.input_tokens += part.number(RunNumber::input, run);
      group.output_tokens += part.number(RunNumber::output, run);
      group.cache_read_tokens += part.number(RunNumber::cache_read, run);
      report.unpriced_runs += (flags & has_cost) == 0 ? 1 : 0;
    }
    if ((flags & counts_cost) == 0) return;
    const Picodollars cost{part.number(RunNumber::cost, run)};
    group.cost += cost;
    report.total += cost;
  }));
  for (auto& [key, group] : groups.all()) {
    group.key = key;
    report.groups.push_back(std::move(group));
  }
  std::stable_sort(report.groups.begin(), report.groups.end(),
                   [](const CostGroup& a, const CostGroup& b) { return a.cost > b.cost; });
  return report;
}

ProjectMap count_projects(const PartView& view) {
  struct Count {
    Project project;
    std::size_t last_trace = 0;
  };
  const Part& part = *view.part;
  std::unordered_map<std::uint64_t, Count> counts;
  for (std::size_t run = 0; run < part.runs(); ++run) {
    const std::size_t trace = part.trace_of(run);
    if (view.is_dead(trace)) continue;
    Count& count = counts[part.code(RunText::project, run)];
    if (count.project.runs == 0)
      count.project.name = part.text(RunText::project, run).value_or("default");
    if (count.project.runs == 0 || count.last_trace != trace) ++count.project.traces;
    count.last_trace = trace;
    const Nanoseconds start = part.number(RunNumber::start, run);
    if (count.project.runs == 0 || start > count.project.last_run_time)
      count.project.last_run_time = start;
    ++count.project.runs;
  }
  ProjectMap map;
  for (auto& [code, count] : counts) map[count.project.name] = count.project;
  return map;
}

}  // namespace slipway::trace::detail
