#include "trace/detail/part_sums.hpp"

#include <unordered_set>

#include "core/log.hpp"
#include "core/turns.hpp"
#include "trace/detail/best_rows.hpp"
#include "trace/detail/sum_files.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t share = 8;  ///< Of the memory, for one.
/// More groups are made only for who asks for them.
constexpr std::size_t few_groups = 2'000;
constexpr const char* projects_name = "projects";

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

/// What differs between sums of traces and of runs.
template <typename Sum>
struct Walked;

template <>
struct Walked<Gathering> {
  static constexpr const char* name = "traces";
  static constexpr auto walk = sums_of_traces;
  static std::size_t bytes(const Gathering& sum) { return sum.latencies.bytes(); }
  static void merge(Gathering& sum, const Gathering& other) {
    LatencyRoom room{.most = 0};
    sum.merge(other, room);
  }
};

template <>
struct Walked<CostSum> {
  static constexpr const char* name = "runs";
  static constexpr auto walk = sums_of_runs;
  static std::size_t bytes(const CostSum&) { return 0; }
  static void merge(CostSum& sum, const CostSum& other) { sum.merge(other); }
};

/// Of sums beside a file. It says the same in each version of the program.
template <typename Sum>
std::string name_of(std::optional<GroupBy> group_by) {
  if (!group_by) return Walked<Sum>::name;
  return fmt::format("{} by {}", Walked<Sum>::name, json::name(*group_by));
}

template <typename Sum>
std::size_t bytes_of(const SumCells<Sum>& cells) {
  std::size_t bytes = cells.capacity() * sizeof(SumCell<Sum>);
  for (const auto& cell : cells)
    bytes += cell.project.capacity() + cell.key.capacity() + Walked<Sum>::bytes(cell.sum);
  return bytes;
}

template <typename Sum>
std::string pack(const SumCells<Sum>& cells) {
  std::string packed;
  Packer out(packed);
  out.count(cells.size());
  for (const auto& cell : cells) {
    out.text(cell.project);
    out.text(cell.key);
    cell.sum.pack(out);
  }
  return packed;
}

/// Absent: they are damaged.
template <typename Sum>
std::optional<SumCells<Sum>> unpack(std::string_view packed) {
  SumCells<Sum> cells;
  Unpacker in(packed);
  for (std::uint64_t left = in.count(); left > 0 && in.is_sound(); --left) {
    std::string project(in.text());
    std::string key(in.text());
    cells.push_back({std::move(project), std::move(key), Sum::unpack(in)});
  }
  if (!in.is_sound() || !in.is_at_end()) return {};
  return cells;
}

/// Sums that are found by their group.
template <typename Sum>
class Sums {
 public:
  void merge(const SumCells<Sum>& cells) {
    for (const auto& cell : cells) Walked<Sum>::merge(all_[{cell.project, cell.key}], cell.sum);
  }
  void take_out(const SumCells<Sum>& cells) {
    for (const auto& cell : cells) all_[{cell.project, cell.key}].take_out(cell.sum);
  }
  SumCells<Sum> finish() {
    SumCells<Sum> cells;
    for (auto& [place, sum] : all_)
      if (!sum.is_empty()) cells.push_back({place.first, place.second, std::move(sum)});
    return cells;
  }

 private:
  std::map<std::pair<std::string, std::string>, Sum> all_;
};

/// Only what is dead of a part.
PartView dead_of(const PartView& view) {
  auto others = std::make_shared<Dead>(*view.dead);
  others->traces.flip();
  others->count = others->traces.size() - view.dead->count;
  return {view.part, std::move(others)};
}

bool has_dead(const PartView& view) { return view.dead && view.dead->count > 0; }

/// Whether the runs of a part are in few groups of few projects.
bool has_few_groups(const Part& part, GroupBy group_by) {
  constexpr Nanoseconds hour = 3'600'000'000'000;
  const bool is_time = group_by == GroupBy::day || group_by == GroupBy::hour;
  std::unordered_set<std::uint64_t> seen;
  std::uint64_t last = 0;
  for (std::size_t run = 0; run < part.runs(); ++run) {
    if (run % block_rows == 0) end_turn_if_over();
    const std::uint64_t group =
        is_time ? static_cast<std::uint64_t>(part.number(RunNumber::start, run) / hour)
                : group_code(part, group_by, run);
    constexpr int project_shift = 40;
    const std::uint64_t both = group ^ (part.code(RunText::project, run) << project_shift);
    if (both == std::exchange(last, both) && run > 0) continue;
    if (seen.insert(both).second && seen.size() > few_groups) return false;
  }
  return true;
}

std::string pack(const ProjectMap& projects) {
  std::string packed;
  Packer out(packed);
  out.count(projects.size());
  for (const auto& [name, project] : projects) {
    out.text(name);
    out.number(project.traces);
    out.number(project.runs);
    out.number(project.last_run_time);
  }
  return packed;
}

std::optional<ProjectMap> unpack_projects(std::string_view packed) {
  ProjectMap projects;
  Unpacker in(packed);
  for (std::uint64_t left = in.count(); left > 0 && in.is_sound(); --left) {
    Project project;
    project.name = in.text();
    project.traces = in.number();
    project.runs = in.number();
    project.last_run_time = in.number();
    projects[project.name] = project;
  }
  if (!in.is_sound() || !in.is_at_end()) return {};
  return projects;
}

std::vector<GroupBy> all_groups() {
  std::vector<GroupBy> all;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<GroupBy>>(
      [&](auto one) { all.push_back(one.value); });
  return all;
}

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
                                       std::optional<GroupBy> group_by) {
  Projects<CostSum> projects(group_by.value_or(GroupBy::model));
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

ProjectMap count_projects(const PartView& view) {
  struct Count {
    Project project;
    std::size_t last_trace = 0;
  };
  const Part& part = *view.part;
  std::unordered_map<std::uint64_t, Count> counts;
  for (std::size_t run = 0; run < part.runs(); ++run) {
    if (run % block_rows == 0) end_turn_if_over();
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

// --- In memory

std::shared_ptr<const void> PartSums::find(const PartView& view, const std::string& name) {
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
    if (part == view.part && entry->name == name) {
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->cells;
    }
    ++entry;
  }
  return nullptr;
}

void PartSums::keep(Entry entry) {
  // One that takes more than its share would only drive out others.
  if (entry.bytes > options_.bytes_max / share) return;
  const std::lock_guard lock(mutex_);
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  while (bytes_ > options_.bytes_max) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
}

template <typename Sum>
Result<std::shared_ptr<const SumCells<Sum>>> PartSums::get(const Context& context,
                                                           const PartView& view,
                                                           std::optional<GroupBy> group_by) {
  const std::string name = name_of<Sum>(group_by);
  if (auto known = find(view, name)) return std::static_pointer_cast<const SumCells<Sum>>(known);
  auto cells = TRY(of_file<Sum>(context, view.part, group_by));
  if (has_dead(view)) {
    Sums<Sum> sums;
    sums.merge(cells);
    sums.take_out(TRY(Walked<Sum>::walk(context, dead_of(view), group_by)));
    cells = sums.finish();
  }
  auto made = std::make_shared<const SumCells<Sum>>(std::move(cells));
  keep({view.part, view.dead, name, made, bytes_of(*made) + sizeof(Entry)});
  return std::shared_ptr<const SumCells<Sum>>(std::move(made));
}

Result<std::shared_ptr<const SumCells<Gathering>>> PartSums::of_traces(
    const Context& context, const PartView& view, std::optional<GroupBy> group_by) {
  return get<Gathering>(context, view, group_by);
}

Result<std::shared_ptr<const SumCells<CostSum>>> PartSums::of_runs(const Context& context,
                                                                   const PartView& view,
                                                                   GroupBy group_by) {
  return get<CostSum>(context, view, group_by);
}

std::size_t PartSums::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

// --- Beside files

std::optional<std::string> PartSums::read(const PartFile& file, const std::string& name) {
  const std::lock_guard lock(files_);
  return read_sums(file, name);
}

void PartSums::write(const PartFile& file, const std::string& name, const std::string& sums) {
  if (!options_.may_write) return;
  const std::lock_guard lock(files_);
  if (const auto added = add_sums(file, name, sums); !added)
    log::debug("sums of traces are not kept: {}", added.error().message());
}

/// Of all traces that the file has, dead ones too: that never changes.
template <typename Sum>
Result<SumCells<Sum>> PartSums::of_file(const Context& context,
                                        const std::shared_ptr<const Part>& part,
                                        std::optional<GroupBy> group_by) {
  const PartFile& file = *part->file();
  const std::string name = name_of<Sum>(group_by);
  if (const auto packed = read(file, name))
    if (auto cells = unpack<Sum>(*packed)) return *std::move(cells);
  auto cells = TRY(Walked<Sum>::walk(context, {part, nullptr}, group_by));
  if (bytes_of(cells) <= options_.bytes_max / share) write(file, name, pack(cells));
  return cells;
}

ProjectMap PartSums::projects(const PartView& view) {
  const PartFile* const file = view.part->file();
  // The youngest run of a project may be in a dead trace.
  if (file == nullptr || has_dead(view)) return count_projects(view);
  if (const auto packed = read(*file, projects_name))
    if (auto projects = unpack_projects(*packed)) return *std::move(projects);
  ProjectMap projects = count_projects(view);
  write(*file, projects_name, pack(projects));
  return projects;
}

Result<void> PartSums::prepare(const Context& context, const std::shared_ptr<const Part>& part) {
  const auto names = [&] {
    const std::lock_guard lock(files_);
    return names_of_sums(*part->file());
  }();
  const auto prepare_one = [&]<typename Sum>(std::optional<GroupBy> group_by) -> Result<void> {
    if (!names.contains(name_of<Sum>(group_by))) TRY(of_file<Sum>(context, part, group_by));
    return {};
  };
  if (!names.contains(projects_name)) projects({part, nullptr});
  TRY(prepare_one.operator()<Gathering>(std::nullopt));
  for (const GroupBy group_by : all_groups()) {
    TRY(context.check());
    if (!has_few_groups(*part, group_by)) continue;
    TRY(prepare_one.operator()<Gathering>(group_by));
    TRY(prepare_one.operator()<CostSum>(group_by));
  }
  return {};
}

template <typename Sum>
Result<void> PartSums::inherit_one(const Context& context, const View& from, const Part& part,
                                   std::optional<GroupBy> group_by) {
  const std::string name = name_of<Sum>(group_by);
  Sums<Sum> sums;
  for (const PartView& one : from) {
    const auto packed = read(*one.part->file(), name);
    const auto cells = packed ? unpack<Sum>(*packed) : std::nullopt;
    if (!cells) return {};
    sums.merge(*cells);
    if (has_dead(one)) sums.take_out(TRY(Walked<Sum>::walk(context, dead_of(one), group_by)));
  }
  const SumCells<Sum> cells = sums.finish();
  if (bytes_of(cells) <= options_.bytes_max / share) write(*part.file(), name, pack(cells));
  return {};
}

Result<void> PartSums::inherit(const Context& context, const View& from, const Part& part) {
  TRY(inherit_one<Gathering>(context, from, part, std::nullopt));
  for (const GroupBy group_by : all_groups()) {
    TRY(inherit_one<Gathering>(context, from, part, group_by));
    TRY(inherit_one<CostSum>(context, from, part, group_by));
  }
  return {};
}

}  // namespace slipway::trace::detail
