#include "trace/detail/part_reads.hpp"

#include <algorithm>

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

}  // namespace slipway::trace::detail
