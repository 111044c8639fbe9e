// What a dashboard counts its rows under, and what it sums of them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

#include "trace/detail/latencies.hpp"
#include "trace/detail/matching.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

/// "2026-11-23" or "2026-11-23T08:00:00Z" of a time.
std::string day_or_hour(Nanoseconds time, bool is_day);
/// Of a run; `run` is absent for a trace without a root.
std::string group_key(const Part& part, GroupBy group_by, std::optional<std::size_t> run);
/// Equal for runs of one part that are in one group; not of times.
std::uint64_t group_code(const Part& part, GroupBy group_by, std::size_t run);

/// Groups of what is walked. A text of one part is looked up once.
template <typename Group>
class Groups {
 public:
  explicit Groups(GroupBy group_by) : group_by_(group_by) {}

  Group& of_run(const Part& part, std::size_t run) {
    if (is_time()) return of_time(part.number(RunNumber::start, run));
    return of_code(part, group_code(part, group_by_, run), run);
  }
  Group& of_trace(const Part& part, std::size_t trace) {
    if (is_time()) return of_time(part.number(TraceNumber::start, trace));
    if (group_by_ == GroupBy::project) return groups_[part.project(trace)];
    const auto root = root_run(part, trace);
    if (!root) return groups_[group_key(part, group_by_, {})];
    return of_code(part, group_code(part, group_by_, *root), *root);
  }
  std::map<std::string, Group>& all() { return groups_; }
  Group& named(const std::string& key) { return groups_[key]; }
  /// Calls `visit(group)` for each model that a trace asked.
  template <typename Visit>
  void of_models(const Part& part, std::size_t trace, const Visit& visit) {
    seen_.clear();
    const auto [begin, end] = runs_of(part, trace);
    for (std::size_t run = begin; run < end; ++run) {
      const std::uint64_t code = part.code(RunText::model, run);
      if (code == 0 || std::find(seen_.begin(), seen_.end(), code) != seen_.end()) continue;
      seen_.push_back(code);
      visit(of_code(part, code, run));
    }
  }

 private:
  bool is_time() const { return group_by_ == GroupBy::day || group_by_ == GroupBy::hour; }
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
  std::vector<std::uint64_t> seen_;  ///< Of `of_models`.
};

/// Sums of traces, and their latencies.
struct Gathering {
  StatsRow row;
  Latencies latencies;

  void add(const Part& part, std::size_t trace, LatencyRoom& room);
  void merge(const Gathering& other, LatencyRoom& room);
  /// As if `other`, all of which was added before, had not been.
  void take_out(const Gathering& other);
  bool is_empty() const { return row.traces <= 0; }
  void pack(Packer& out) const;
  static Gathering unpack(Unpacker& in);
  StatsRow finish();
};

/// Sums of runs.
struct CostSum {
  CostGroup group;
  std::int64_t unpriced_runs = 0;

  /// Whether a run counts at all.
  static bool counts(const Part& part, std::size_t run) {
    return (part.number(RunNumber::flags, run) & (counts_tokens | counts_cost)) != 0;
  }
  void add(const Part& part, std::size_t run);
  void merge(const CostSum& other);
  void take_out(const CostSum& other);
  bool is_empty() const { return group.runs <= 0; }
  void pack(Packer& out) const;
  static CostSum unpack(Unpacker& in);
};

}  // namespace slipway::trace::detail
