// Dashboards: sums of all that a query finds, out of files' own sums where it wants whole files.
#include <algorithm>

#include "trace/detail/best_rows.hpp"
#include "trace/detail/part_reads.hpp"

namespace slipway::trace::detail {

namespace {

/// Whether nothing but the project and the time choose what is wanted.
bool is_plain(const Query& query) {
  return !query.name && !query.model && !query.session_id && !query.user_id && !query.tag &&
         !query.trace_id && !query.key && !query.prompt && !query.status && !query.kind &&
         !query.min_latency_ms && !query.max_latency_ms && query.text.phrases.empty() &&
         !query.filter;
}

bool is_within(const Query& query, const Bounds& start) {
  return (!query.from || start.least >= *query.from) && (!query.to || start.most < *query.to);
}

bool is_beside(const Query& query, const Bounds& start) {
  return (query.from && start.most < *query.from) || (query.to && start.least >= *query.to);
}

/// Which parts are added up as wholes; the others are walked.
struct Division {
  View whole, walked;
};

template <typename StartOf>
Division divide(const View& view, const Query& query, const StartOf& start_of) {
  Division division;
  const bool may_add = is_plain(query);
  for (const PartView& one : view) {
    if (one.part->traces() == 0) continue;
    const Bounds start = start_of(*one.part);
    if (is_beside(query, start)) continue;
    const bool is_whole = may_add && one.part->file() != nullptr && is_within(query, start);
    (is_whole ? division.whole : division.walked).push_back(one);
  }
  return division;
}

/// So few are walked: then all percentiles are exact.
bool are_few(const Division& division, std::size_t most) {
  std::size_t traces = 0;
  for (const View* view : {&division.whole, &division.walked})
    for (const PartView& one : *view) traces += one.live_traces();
  return traces <= most;
}

/// Traces, gathered.
class Statistics {
 public:
  explicit Statistics(std::optional<GroupBy> group_by)
      : group_by_(group_by), groups_(group_by.value_or(GroupBy::project)) {}

  /// A trace is in one group, or in that of each model which it asked.
  bool is_divided() const { return group_by_ && *group_by_ != GroupBy::model; }
  Result<void> walk(const Context& context, const Query& query, const View& view) {
    return for_each_match(
        context, Table::traces, query, view, [&](const Part& part, std::size_t trace) {
          if (is_divided()) return groups_.of_trace(part, trace).add(part, trace, room_);
          all_.add(part, trace, room_);
          if (!group_by_) return;
          groups_.of_models(part, trace, [&](Gathering& sum) { sum.add(part, trace, room_); });
        });
  }
  Result<void> add(const Context& context, const Query& query, const PartView& view,
                   PartSums& sums) {
    const auto each = [&](const SumCells<Gathering>& cells, const auto& to) {
      for (const auto& cell : cells)
        if (!query.project || cell.project == *query.project) to(cell).merge(cell.sum, room_);
    };
    if (group_by_)
      each(*TRY(sums.of_traces(context, view, group_by_)),
           [&](const auto& cell) -> Gathering& { return groups_.named(cell.key); });
    if (!is_divided())
      each(*TRY(sums.of_traces(context, view, std::nullopt)),
           [&](const auto&) -> Gathering& { return all_; });
    return {};
  }
  Stats finish() {
    Stats stats;
    for (auto& [key, gathering] : groups_.all()) {
      if (!group_by_) break;
      if (is_divided()) all_.merge(gathering, room_);
      stats.groups.push_back(gathering.finish());
      stats.groups.back().key = key;
      gathering.latencies.clear(room_);
    }
    stats.all = all_.finish();
    return stats;
  }

 private:
  const std::optional<GroupBy> group_by_;
  Gathering all_;
  LatencyRoom room_;
  Groups<Gathering> groups_;
};

}  // namespace

Result<Stats> read_stats(const Context& context, const View& view, const Query& query,
                         const Dashboard& dashboard) {
  Statistics statistics(dashboard.group_by);
  const Division division =
      divide(view, query, [](const Part& part) { return part.range(TraceNumber::start); });
  if (dashboard.sums == nullptr || are_few(division, dashboard.exact_max)) {
    TRY(statistics.walk(context, query, view));
    return statistics.finish();
  }
  TRY(statistics.walk(context, query, division.walked));
  for (const PartView& one : division.whole)
    TRY(statistics.add(context, query, one, *dashboard.sums));
  Stats stats = statistics.finish();
  if (stats.all.traces > static_cast<std::int64_t>(dashboard.exact_max)) return stats;
  // Of so few the percentiles are exact, whatever they are among.
  Statistics exact(dashboard.group_by);
  TRY(exact.walk(context, query, view));
  return exact.finish();
}

Result<CostReport> read_costs(const Context& context, const View& view, const Query& query,
                              const Dashboard& dashboard) {
  const GroupBy group_by = dashboard.group_by.value_or(GroupBy::model);
  Groups<CostSum> groups(group_by);
  Division division =
      divide(view, query, [](const Part& part) { return part.range(RunNumber::start); });
  if (dashboard.sums == nullptr) division = {.whole = {}, .walked = view};
  TRY(for_each_match(context, Table::runs, query, division.walked,
                     [&](const Part& part, std::size_t run) {
                       if (CostSum::counts(part, run)) groups.of_run(part, run).add(part, run);
                     }));
  for (const PartView& one : division.whole) {
    const auto cells = TRY(dashboard.sums->of_runs(context, one, group_by));
    for (const auto& cell : *cells)
      if (!query.project || cell.project == *query.project) groups.named(cell.key).merge(cell.sum);
  }
  CostReport report;
  for (auto& [key, sum] : groups.all()) {
    report.total += sum.group.cost;
    report.unpriced_runs += sum.unpriced_runs;
    sum.group.key = key;
    report.groups.push_back(std::move(sum.group));
  }
  std::stable_sort(report.groups.begin(), report.groups.end(),
                   [](const CostGroup& a, const CostGroup& b) { return a.cost > b.cost; });
  return report;
}

}  // namespace slipway::trace::detail
