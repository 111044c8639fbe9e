#include "trace/detail/batch.hpp"

#include <algorithm>

#include "core/turns.hpp"

namespace slipway::trace::detail {

namespace {

enum class Entry : std::uint8_t { trace = 1, removal = 2 };

}  // namespace

PreparedPatch prepare(RunPatch&& patch) {
  PreparedPatch prepared;
  if (patch.inputs) prepared.inputs = make_payload(*std::move(patch.inputs));
  if (patch.outputs) prepared.outputs = make_payload(*std::move(patch.outputs));
  patch.inputs.reset();
  patch.outputs.reset();
  prepared.patch = std::move(patch);
  return prepared;
}

/// A client that does not say: the trace of what it continues, or of its parent.
std::string Batch::trace_of(const RunPatch& patch) {
  if (!patch.trace_id.empty()) return patch.trace_id;
  for (const std::string& id : {patch.id, patch.parent_id.value_or("")}) {
    if (id.empty()) continue;
    if (const auto known = traces_of_runs_.find(id); known != traces_of_runs_.end())
      return known->second;
    if (std::string trace = shelf_.trace_of_run(id); !trace.empty()) return trace;
  }
  return patch.parent_id.value_or(patch.id);
}

Result<Batch::Work*> Batch::work_of(const std::string& trace_id) {
  if (const auto known = works_.find(trace_id); known != works_.end()) return &known->second;
  const bool is_removed = std::find(removed_.begin(), removed_.end(), trace_id) != removed_.end();
  const Shelf::Found found = is_removed ? Shelf::Found() : TRY(shelf_.find(trace_id));
  Work work;
  if (found.trace) {
    work.trace = std::make_shared<MemTrace>(*found.trace);
    work.known = work.trace->rows.size();
    work.is_moved = found.is_elsewhere;
  } else {
    work.trace = std::make_shared<MemTrace>();
    work.trace->id = trace_id;
    work.trace->head.number(TraceNumber::n) = arrivals_.next_trace++;
  }
  order_.push_back(trace_id);
  return &works_.emplace(trace_id, std::move(work)).first->second;
}

std::optional<std::size_t> Batch::find_row(Work& work, const std::string& id) {
  const auto& rows = work.trace->rows;
  if (rows.size() <= few_rows) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i]->id == id) return i;
    return {};
  }
  if (work.places.empty())
    for (std::size_t i = 0; i < rows.size(); ++i) work.places.emplace(rows[i]->id, i);
  const auto place = work.places.find(id);
  return place == work.places.end() ? std::nullopt : std::optional(place->second);
}

void Batch::put_row(Work& work, std::optional<std::size_t> at, Row&& row) {
  auto& rows = work.trace->rows;
  auto made = std::make_shared<const Row>(std::move(row));
  if (at) {
    work.changed.try_emplace(*at, rows[*at]);
    // Places refer to the ids of rows that are there.
    if (!work.places.empty()) work.places.erase(rows[*at]->id);
    rows[*at] = std::move(made);
    if (!work.places.empty()) work.places.emplace(rows[*at]->id, *at);
    return;
  }
  work.changed.emplace(rows.size(), nullptr);
  rows.push_back(std::move(made));
  if (!work.places.empty()) work.places.emplace(rows.back()->id, rows.size() - 1);
}

Result<void> Batch::apply(PreparedPatch&& prepared) {
  RunPatch& patch = prepared.patch;
  const bool names_trace = !patch.trace_id.empty();
  const std::string trace_id = trace_of(patch);
  Work& work = *TRY(work_of(trace_id));
  if (!names_trace || !patch.parent_id) traces_of_runs_[patch.id] = trace_id;
  const auto at = find_row(work, patch.id);
  if (!at && work.trace->rows.size() >= trace_runs_max)
    return fail(Code::invalid_argument,
                "trace '{}' has {} runs, the most that one may have; begin another trace",
                trace_id.substr(0, 100), trace_runs_max);
  StoredRun stored;
  PayloadPtr inputs = std::move(prepared.inputs), outputs = std::move(prepared.outputs);
  std::optional<StoredRun> before;
  if (at) {
    const Row& row = *work.trace->rows[*at];
    if (!inputs) inputs = row.inputs;
    if (!outputs) outputs = row.outputs;
    before = TRY(stored_of(row));
    stored = *before;
  } else {
    stored.run.id = patch.id;
    stored.run.arrival = arrivals_.next_run++;
  }
  merge(stored, std::move(patch));
  const bool counts_anew =
      !before || stored.run.usage != before->run.usage || stored.run.model != before->run.model ||
      stored.run.provider != before->run.provider || stored.sent_cost != before->sent_cost ||
      stored.service_tier != before->service_tier;
  if (counts_anew) price(stored, prices_);
  put_row(work, at, make_row(stored, std::move(inputs), std::move(outputs)));
  return {};
}

void Batch::forget(const std::string& trace_id) {
  works_.erase(trace_id);
  std::erase(order_, trace_id);
  removed_.push_back(trace_id);
}

Result<void> Batch::remove(const std::string& trace_id) {
  if (works_.count(trace_id) == 0 && !shelf_.has(trace_id))
    return fail(Code::not_found, "there is no trace '{}'", trace_id.substr(0, 100));
  forget(trace_id);
  return {};
}

void Batch::price_again(Work& work, std::size_t at, const PriceRow* row, const Visit& visit) {
  const Row& known = *work.trace->rows[at];
  auto stored = stored_of(known);
  if (!stored) return;
  const auto total = [](const StoredRun& one) {
    return one.run.cost ? std::optional(one.run.cost->total) : std::nullopt;
  };
  const auto before = total(*stored);
  if (row == nullptr) {
    price(*stored, prices_);
  } else if (stored->run.usage) {
    PriceRow always = *row;
    always.valid_from = 0;
    std::optional<std::string> model = std::exchange(stored->run.model, always.model);
    price(*stored, PriceBook({}, {std::move(always)}));
    stored->run.model = std::move(model);
  }
  visit(before, total(*stored));
  Row made = make_row(*stored, known.inputs, known.outputs);
  if (made.rest != known.rest || made.number(RunNumber::cost) != known.number(RunNumber::cost))
    put_row(work, at, std::move(made));
}

Result<void> Batch::reprice(const std::string& trace_id, const PriceRow* row, const Wants& wants,
                            const Visit& visit) {
  Work& work = *TRY(work_of(trace_id));
  for (std::size_t at = 0; at < work.trace->rows.size(); ++at)
    if (wants(*work.trace->rows[at])) price_again(work, at, row, visit);
  return {};
}

std::string Batch::finish() {
  std::string journal;
  Packer out(journal);
  for (const std::string& id : removed_) {
    out.count(static_cast<std::uint64_t>(Entry::removal));
    out.text(id);
  }
  for (const std::string& id : order_) {
    Work& work = works_.at(id);
    if (work.changed.empty()) continue;
    out.count(static_cast<std::uint64_t>(Entry::trace));
    out.text(id);
    out.number(work.trace->head.number(TraceNumber::n));
    out.count(work.changed.size());
    for (const auto& [at, before] : work.changed)
      pack_row(*work.trace->rows[at], before.get(), journal);
    end_turn_if_over();
    changed_runs_ += work.changed.size();
    settle_trace(*work.trace);
  }
  return journal;
}

std::vector<MemTracePtr> Batch::take_changed() {
  std::vector<MemTracePtr> traces;
  for (const std::string& id : order_) {
    Work& work = works_.at(id);
    if (work.changed.empty()) continue;
    settle_trace(*work.trace);
    traces.push_back(std::move(work.trace));
  }
  return traces;
}

void Batch::install() {
  std::vector<MemTracePtr> traces;
  std::vector<std::string> moved;
  for (const std::string& id : order_) {
    Work& work = works_.at(id);
    if (work.changed.empty()) continue;
    if (work.is_moved) moved.push_back(id);
    traces.push_back(std::move(work.trace));
  }
  shelf_.install(std::move(traces), moved, removed_);
}

Result<void> Batch::replay(std::string_view journal) {
  Unpacker in(journal);
  while (!in.is_at_end()) {
    const auto entry = static_cast<Entry>(in.count());
    const std::string id(in.text());
    if (entry == Entry::removal) {
      forget(id);
      continue;
    }
    if (entry != Entry::trace || !in.is_sound())
      return fail(Code::invalid_argument, "the journal has an entry of an unknown kind");
    const std::int64_t n = in.number();
    Work& work = *TRY(work_of(id));
    if (work.known == 0) work.trace->head.number(TraceNumber::n) = n;
    arrivals_.next_trace = std::max(arrivals_.next_trace, n + 1);
    for (std::uint64_t left = in.count(); left > 0; --left) {
      // Its id stands behind its numbers and texts: the row that was before is found by a first
      // look.
      Unpacker look = in;
      const Row first = TRY(unpack_row(look, nullptr));
      const auto at = find_row(work, first.id);
      Row row = at ? TRY(unpack_row(in, work.trace->rows[*at].get())) : first;
      if (!at) in = look;
      arrivals_.next_run = std::max(arrivals_.next_run, row.number(RunNumber::n) + 1);
      put_row(work, at, std::move(row));
    }
  }
  return {};
}

}  // namespace slipway::trace::detail
