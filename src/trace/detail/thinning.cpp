#include "trace/detail/thinning.hpp"

#include "core/files.hpp"
#include "trace/detail/matching.hpp"
#include "trace/detail/segment_format.hpp"

namespace slipway::trace::detail {

Result<Thinning::Found> Thinning::find(const View& view, const Moment& moment) {
  Found found;
  if (begin_ < 0) begin_ = moment.next_trace;
  marks_.push_back({moment.now, moment.next_trace});
  std::int64_t end = begin_;
  while (!marks_.empty() && marks_.front().time + moment.patience <= moment.now) {
    end = std::max(end, marks_.front().next_trace);
    marks_.pop_front();
  }
  const std::vector<std::string> waiting = std::exchange(open_, {});
  for (const PartView& one : view) {
    const Part& part = *one.part;
    for (const std::string& trace_id : waiting)
      if (const auto trace = part.find_trace(trace_id); trace && !one.is_dead(*trace))
        TRY(look(part, *trace, found));
    if (end == begin_ || part.range(TraceNumber::n).most < begin_) continue;
    for (std::size_t trace = 0; trace < part.traces(); ++trace) {
      const std::int64_t n = part.number(TraceNumber::n, trace);
      if (n >= begin_ && n < end && !one.is_dead(trace)) TRY(look(part, trace, found));
    }
  }
  begin_ = end;
  return found;
}

Result<void> Thinning::look(const Part& part, std::size_t trace, Found& found) {
  std::string trace_id = part.trace_id(trace);
  if (lot_of(trace_id) < config_.rate) return {};
  switch (TRY(judge(part, trace, trace_id))) {
    case Verdict::keep: break;
    case Verdict::open:
      if (open_.size() < open_max) open_.push_back(std::move(trace_id));
      break;
    case Verdict::leave_out:
      found.runs.push_back(part.number(TraceNumber::run_count, trace));
      found.traces.push_back(std::move(trace_id));
  }
  return {};
}

Result<Thinning::Verdict> Thinning::judge(const Part& part, std::size_t trace,
                                          const std::string& trace_id) const {
  const auto number = [&](TraceNumber which) { return part.number(which, trace); };
  if (config_.keep_errors && number(TraceNumber::errors) > 0) return Verdict::keep;
  const auto root = root_run(part, trace);
  const bool has_ended = root && (number(TraceNumber::flags) & has_end) != 0;
  if (!has_ended) return gone_.contains(id_hash(trace_id)) ? Verdict::leave_out : Verdict::open;
  constexpr double nanoseconds_per_millisecond = 1e6;
  if (config_.keep_slower_ms > 0 && static_cast<double>(number(TraceNumber::latency)) >=
                                        config_.keep_slower_ms * nanoseconds_per_millisecond)
    return Verdict::keep;
  // Experiments are compared example by example.
  const Run run = TRY(run_of(TRY(part.row(*root, true)), false));
  return run.reference_example_id ? Verdict::keep : Verdict::leave_out;
}

void Thinning::gone(const std::string& trace_id) {
  const std::uint64_t hash = id_hash(trace_id);
  if (!gone_.insert(hash).second) return;
  gone_in_order_.push_back(hash);
  if (gone_in_order_.size() <= gone_max) return;
  gone_.erase(gone_in_order_.front());
  gone_in_order_.pop_front();
}

}  // namespace slipway::trace::detail
