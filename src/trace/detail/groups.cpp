#include "trace/detail/groups.hpp"

#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

std::string day_or_hour(Nanoseconds time, bool is_day) {
  const std::string text = time_text(time);
  return is_day ? text.substr(0, 10) : text.substr(0, 13) + ":00:00Z";
}

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

std::uint64_t group_code(const Part& part, GroupBy group_by, std::size_t run) {
  switch (group_by) {
    case GroupBy::model: return part.code(RunText::model, run);
    case GroupBy::project: return part.code(RunText::project, run);
    case GroupBy::user: return part.code(RunText::user, run);
    case GroupBy::session: return part.code(RunText::session, run);
    case GroupBy::key: return part.code(RunText::key, run);
    case GroupBy::prompt: return part.code(RunText::prompt, run);
    default: return static_cast<std::uint64_t>(part.number(RunNumber::kind, run));
  }
}

void Gathering::add(const Part& part, std::size_t trace, LatencyRoom& room) {
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

void Gathering::merge(const Gathering& other, LatencyRoom& room) {
  row.traces += other.row.traces;
  row.runs += other.row.runs;
  row.errors += other.row.errors;
  row.input_tokens += other.row.input_tokens;
  row.output_tokens += other.row.output_tokens;
  row.cost += other.row.cost;
  latencies.merge(other.latencies, room);
}

void Gathering::take_out(const Gathering& other) {
  row.traces -= other.row.traces;
  row.runs -= other.row.runs;
  row.errors -= other.row.errors;
  row.input_tokens -= other.row.input_tokens;
  row.output_tokens -= other.row.output_tokens;
  row.cost += Picodollars{-other.row.cost.value};
  latencies.take_out(other.latencies);
}

void Gathering::pack(Packer& out) const {
  for (const std::int64_t number :
       {row.traces, row.runs, row.errors, row.input_tokens, row.output_tokens, row.cost.value})
    out.number(number);
  latencies.pack(out);
}

Gathering Gathering::unpack(Unpacker& in) {
  Gathering made;
  StatsRow& row = made.row;
  for (std::int64_t* number : {&row.traces, &row.runs, &row.errors, &row.input_tokens,
                               &row.output_tokens, &row.cost.value})
    *number = in.number();
  made.latencies = Latencies::unpack(in);
  return made;
}

StatsRow Gathering::finish() {
  row.p50_ms = latencies.at(0.5);
  row.p95_ms = latencies.at(0.95);
  row.p99_ms = latencies.at(0.99);
  return std::move(row);
}

void CostSum::add(const Part& part, std::size_t run) {
  const std::int64_t flags = part.number(RunNumber::flags, run);
  ++group.runs;
  if ((flags & counts_tokens) != 0) {
    group.input_tokens += part.number(RunNumber::input, run);
    group.output_tokens += part.number(RunNumber::output, run);
    group.cache_read_tokens += part.number(RunNumber::cache_read, run);
    unpriced_runs += (flags & has_cost) == 0 ? 1 : 0;
  }
  if ((flags & counts_cost) != 0) group.cost += Picodollars{part.number(RunNumber::cost, run)};
}

void CostSum::merge(const CostSum& other) {
  group.runs += other.group.runs;
  group.input_tokens += other.group.input_tokens;
  group.output_tokens += other.group.output_tokens;
  group.cache_read_tokens += other.group.cache_read_tokens;
  group.cost += other.group.cost;
  unpriced_runs += other.unpriced_runs;
}

void CostSum::take_out(const CostSum& other) {
  group.runs -= other.group.runs;
  group.input_tokens -= other.group.input_tokens;
  group.output_tokens -= other.group.output_tokens;
  group.cache_read_tokens -= other.group.cache_read_tokens;
  group.cost += Picodollars{-other.group.cost.value};
  unpriced_runs -= other.unpriced_runs;
}

void CostSum::pack(Packer& out) const {
  for (const std::int64_t number : {group.runs, group.input_tokens, group.output_tokens,
                                    group.cache_read_tokens, group.cost.value, unpriced_runs})
    out.number(number);
}

CostSum CostSum::unpack(Unpacker& in) {
  CostSum made;
  CostGroup& group = made.group;
  for (std::int64_t* number : {&group.runs, &group.input_tokens, &group.output_tokens,
                               &group.cache_read_tokens, &group.cost.value, &made.unpriced_runs})
    *number = in.number();
  return made;
}

}  // namespace slipway::trace::detail
