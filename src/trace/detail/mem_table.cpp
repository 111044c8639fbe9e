#include "trace/detail/mem_table.hpp"

#include <algorithm>
#include <limits>

#include "trace/detail/tree_sums.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::uint64_t run_seed = 3, text_seed = 4;

std::uint64_t text_code(std::string_view text) { return hash64(text, text_seed) | 1; }

std::int64_t root_of(const MemTrace& trace) {
  std::int64_t root = -1;
  for (std::size_t i = 0; i < trace.rows.size(); ++i) {
    const Row& row = *trace.rows[i];
    if (row.parent_id) continue;
    if (row.id == trace.id) return static_cast<std::int64_t>(i);
    if (root < 0) root = static_cast<std::int64_t>(i);
  }
  return root;
}

void take_times(MemTrace& trace) {
  TraceHead& head = trace.head;
  const std::int64_t root = head.number(TraceNumber::root);
  if (root >= 0) {
    const Row& row = *trace.rows[static_cast<std::size_t>(root)];
    head.project = row.text(RunText::project).value_or("default");
    head.number(TraceNumber::status) = row.number(RunNumber::status);
    head.number(TraceNumber::start) = row.number(RunNumber::start);
    head.number(TraceNumber::latency) = row.number(RunNumber::latency);
    head.number(TraceNumber::flags) = row.number(RunNumber::flags) & has_end;
    return;
  }
  head.number(TraceNumber::flags) = 0;
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = 0;
  bool is_ended = false;
  for (const RowPtr& row : trace.rows) {
    first = std::min(first, row->number(RunNumber::start));
    if (!row->has(has_end)) continue;
    const std::int64_t end = row->number(RunNumber::start) + row->number(RunNumber::latency);
    last = is_ended ? std::max(last, end) : end;
    is_ended = true;
  }
  head.project = trace.rows.front()->text(RunText::project).value_or("default");
  head.number(TraceNumber::status) = static_cast<std::int64_t>(Status::pending);
  head.number(TraceNumber::start) = first;
  head.number(TraceNumber::latency) = is_ended ? last - first : -1;
  if (is_ended) head.number(TraceNumber::flags) = has_end;
}

}  // namespace

void settle_trace(MemTrace& trace) {
  TraceHead& head = trace.head;
  trace.bytes = sizeof(MemTrace) + trace.rows.size() * sizeof(RowPtr);
  for (const RowPtr& row : trace.rows) trace.bytes += row->bytes();
  mark_counted(trace);
  head.number(TraceNumber::root) = root_of(trace);
  head.number(TraceNumber::run_count) = static_cast<std::int64_t>(trace.rows.size());
  take_times(trace);
  Picodollars cost;
  for (const TraceNumber sum :
       {TraceNumber::errors, TraceNumber::input, TraceNumber::output, TraceNumber::total})
    head.number(sum) = 0;
  for (std::size_t i = 0; i < trace.rows.size(); ++i) {
    const Row& row = *trace.rows[i];
    if (row.number(RunNumber::status) == static_cast<std::int64_t>(Status::error))
      ++head.number(TraceNumber::errors);
    if ((trace.counts[i] & counts_tokens) != 0) {
      head.number(TraceNumber::input) += row.number(RunNumber::input);
      head.number(TraceNumber::output) += row.number(RunNumber::output);
      head.number(TraceNumber::total) += row.number(RunNumber::total);
    }
    if ((trace.counts[i] & counts_cost) == 0) continue;
    cost += Picodollars{row.number(RunNumber::cost)};
    head.number(TraceNumber::flags) |= has_cost;
  }
  head.number(TraceNumber::cost) =
      (head.number(TraceNumber::flags) & has_cost) != 0 ? cost.value : -1;
}

DeadPtr with_dead(const DeadPtr& dead, std::size_t traces, const std::vector<std::size_t>& more) {
  auto made = dead ? std::make_shared<Dead>(*dead) : std::make_shared<Dead>();
  made->traces.resize(traces);
  for (const std::size_t trace : more) {
    made->count += made->traces[trace] ? 0 : 1;
    made->traces[trace] = true;
  }
  return made;
}

MemTracePtr MemTable::find(const std::string& trace_id) const {
  const auto place = places_.find(trace_id);
  return place == places_.end() ? nullptr : slots_[place->second];
}

std::string MemTable::trace_of_run(const std::string& run_id, std::int64_t* n) const {
  std::string found;
  const auto [begin, end] = runs_by_id_.equal_range(hash64(run_id, run_seed));
  for (auto place = begin; place != end; ++place) {
    const MemTracePtr& trace = slots_[place->second];
    if (trace == nullptr) continue;
    for (const RowPtr& row : trace->rows)
      if (row->id == run_id && row->number(RunNumber::n) >= *n) {
        *n = row->number(RunNumber::n);
        found = trace->id;
      }
  }
  return found;
}

void MemTable::put(MemTracePtr trace) {
  const auto [place, is_new] =
      places_.try_emplace(trace->id, static_cast<std::uint32_t>(slots_.size()));
  if (is_new) slots_.emplace_back();
  MemTracePtr& slot = slots_[place->second];
  std::size_t known = 0;
  if (slot) {
    known = slot->rows.size();
    runs_ -= known;
    bytes_ -= slot->bytes;
  }
  // Rows are only added behind, so the first ones are known.
  for (std::size_t i = known; i < trace->rows.size(); ++i)
    runs_by_id_.emplace(hash64(trace->rows[i]->id, run_seed), place->second);
  runs_ += trace->rows.size();
  bytes_ += trace->bytes;
  slot = std::move(trace);
  part_.reset();
}

bool MemTable::erase(const std::string& trace_id) {
  const auto place = places_.find(trace_id);
  if (place == places_.end()) return false;
  MemTracePtr& slot = slots_[place->second];
  runs_ -= slot->rows.size();
  bytes_ -= slot->bytes;
  slot.reset();
  places_.erase(place);
  part_.reset();
  return true;
}

std::vector<MemTracePtr> MemTable::traces() const {
  std::vector<MemTracePtr> all;
  all.reserve(places_.size());
  for (const MemTracePtr& trace : slots_)
    if (trace) all.push_back(trace);
  return all;
}

std::shared_ptr<const MemPart> MemTable::part() {
  if (!part_) part_ = std::make_shared<const MemPart>(traces());
  return part_;
}

// --- A moment of a table

MemPart::MemPart(std::vector<MemTracePtr> traces) : traces_(std::move(traces)) {
  first_runs_.reserve(traces_.size());
  for (std::size_t i = 0; i < traces_.size(); ++i) {
    first_runs_.push_back(static_cast<std::uint32_t>(rows_.size()));
    for (std::size_t row = 0; row < traces_[i]->rows.size(); ++row)
      rows_.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(row)});
  }
}

std::int64_t MemPart::number(RunNumber which, std::size_t run) const {
  const std::int64_t number = row_of(run).number(which);
  return which == RunNumber::flags ? number | traces_[rows_[run].trace]->counts[rows_[run].row]
                                   : number;
}

std::uint64_t MemPart::code(RunText which, std::size_t run) const {
  const auto& text = row_of(run).text(which);
  return text ? text_code(*text) : 0;
}

std::uint64_t MemPart::project_code(std::size_t trace) const {
  return text_code(traces_[trace]->head.project);
}

std::optional<std::uint64_t> MemPart::code_of(std::string_view text) const {
  return text_code(text);
}

Bounds MemPart::bounds(TraceNumber, std::size_t) const {
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}
Bounds MemPart::bounds(RunNumber, std::size_t) const {
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}

std::optional<std::size_t> MemPart::find_trace(std::string_view id) const {
  for (std::size_t i = 0; i < traces_.size(); ++i)
    if (traces_[i]->id == id) return i;
  return {};
}

std::vector<std::size_t> MemPart::find_runs(std::string_view id) const {
  std::vector<std::size_t> found;
  for (std::size_t run = 0; run < rows_.size(); ++run)
    if (row_of(run).id == id) found.push_back(run);
  return found;
}

Result<Row> MemPart::row(std::size_t run, bool) const {
  Row row = row_of(run);
  row.number(RunNumber::flags) = number(RunNumber::flags, run);
  return row;
}

Result<Previews> MemPart::previews(std::size_t trace) const { return previews_of(*traces_[trace]); }

Result<std::vector<std::uint32_t>> MemPart::with_term(Term term) const {
  std::vector<std::uint32_t> found;
  for (std::size_t run = 0; run < rows_.size(); ++run) {
    const Terms& terms = row_of(run).terms;
    if (std::binary_search(terms.begin(), terms.end(), term))
      found.push_back(static_cast<std::uint32_t>(run));
  }
  return found;
}

Result<Previews> previews_of(const MemTrace& trace) {
  Previews previews;
  const std::int64_t root = trace.head.number(TraceNumber::root);
  if (root < 0) return previews;
  const Row& row = *trace.rows[static_cast<std::size_t>(root)];
  if (row.inputs) previews.inputs = preview(Payload{TRY(row.inputs->read()), row.inputs->is_text});
  if (row.outputs)
    previews.outputs = preview(Payload{TRY(row.outputs->read()), row.outputs->is_text});
  return previews;
}

}  // namespace slipway::trace::detail
