#include "trace/detail/part_sums.hpp"

#include "trace/detail/best_rows.hpp"

namespace slipway::trace::detail {

namespace {

/// One `Groups` for each project of a part.
template <typename Sum>
class Projects {
 public:
  explicit Projects(GroupBy group_by) : group_by_(group_by) {}
  template <typename Name>
  Groups<Sum>& at(std::uint64_t code, const Name& name) {
    if (last_ != nullptr && code == last_code_) return *last_;
    const auto [place, is_new] = all_.try_emplace(code, group_by_);
    if (is_new) names_[code] = name();
    last_code_ = code;
    last_ = &place->second;
    return *last_;
  }
  SumCells<Sum> finish() {
    SumCells<Sum> cells;
    for (auto& [code, groups] : all_)
      for (auto& [key, sum] : groups.all()) cells.push_back({names_[code], key, std::move(sum)});
    return cells;
  }

 private:
  const GroupBy group_by_;
  std::unordered_map<std::uint64_t, Groups<Sum>> all_;
  std::unordered_map<std::uint64_t, std::string> names_;
  std::uint64_t last_code_ = 0;
  Groups<Sum>* last_ = nullptr;
};

std::size_t bytes_of(const Gathering& sum) { return sum.latencies.bytes(); }
std::size_t bytes_of(const CostSum&) { return 0; }

template <typename Sum>
std::size_t bytes_of(const SumCells<Sum>& cells) {
  std::size_t bytes = cells.capacity() * sizeof(SumCell<Sum>);
  for (const auto& cell : cells)
    bytes += cell.project.capacity() + cell.key.capacity() + bytes_of(cell.sum);
  return bytes;
}

constexpr int what_of_runs = 100;

}  // namespace

Result<SumCells<Gathering>> sums_of_traces(const Context& context, const PartView& view,
                                           std::optional<GroupBy> group_by) {
  Projects<Gathering> projects(group_by.value_or(GroupBy::project));
  LatencyRoom room{.most = 0};
  TRY(for_each_match(context, Table::traces, {}, {view}, [&](const Part& part, std::size_t trace) {
    auto& groups = projects.at(part.project_code(trace), [&] { return part.project(trace); });
    if (!group_by) return groups.named("").add(part, trace, room);
    if (*group_by != GroupBy::model) return groups.of_trace(part, trace).add(part, trace, room);
    groups.of_models(part, trace, [&](Gathering& sum) { sum.add(part, trace, room); });
  }));
  SumCells<Gathering> cells = projects.finish();
  for (auto& cell : cells) cell.sum.latencies.shrink();
  return cells;
}

Result<SumCells<CostSum>> sums_of_runs(const Context& context, const PartView& view,
                                       GroupBy group_by) {
  Projects<CostSum> projects(group_by);
  TRY(for_each_match(context, Table::runs, {}, {view}, [&](const Part& part, std::size_t run) {
    if (!CostSum::counts(part, run)) return;
    projects
        .at(part.code(RunText::project, run),
            [&] { return part.text(RunText::project, run).value_or("default"); })
        .of_run(part, run)
        .add(part, run);
  }));
  return projects.finish();
}

std::shared_ptr<const void> PartSums::find(const PartView& view, int what) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto part = entry->part.lock();
    // Of a part that is gone, or that had other dead traces.
    const bool is_stale = !part || (part == view.part && entry->dead != view.dead);
    if (is_stale) {
      bytes_ -= entry->bytes;
      entry = entries_.erase(entry);
      continue;
    }
    if (part == view.part && entry->what == what) {
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->cells;
    }
    ++entry;
  }
  return nullptr;
}

void PartSums::keep(Entry entry) {
  // One that takes more than its share would only drive out others.
  constexpr std::size_t share = 8;
  if (entry.bytes > bytes_max_ / share) return;
  const std::lock_guard lock(mutex_);
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
}

template <typename Sum, typename Make>
Result<std::shared_ptr<const SumCells<Sum>>> PartSums::get(const PartView& view, int what,
                                                           const Make& make) {
  if (auto known = find(view, what)) return std::static_pointer_cast<const SumCells<Sum>>(known);
  auto made = std::make_shared<const SumCells<Sum>>(TRY(make()));
  keep({view.part, view.dead, what, made, bytes_of(*made) + sizeof(Entry)});
  return std::shared_ptr<const SumCells<Sum>>(std::move(made));
}

Result<std::shared_ptr<const SumCells<Gathering>>> PartSums::of_traces(
    const Context& context, const PartView& view, std::optional<GroupBy> group_by) {
  const int what = group_by ? static_cast<int>(*group_by) : -1;
  return get<Gathering>(view, what, [&] { return sums_of_traces(context, view, group_by); });
}

Result<std::shared_ptr<const SumCells<CostSum>>> PartSums::of_runs(const Context& context,
                                                                   const PartView& view,
                                                                   GroupBy group_by) {
  return get<CostSum>(view, what_of_runs + static_cast<int>(group_by),
                      [&] { return sums_of_runs(context, view, group_by); });
}

std::size_t PartSums::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace slipway::trace::detail
