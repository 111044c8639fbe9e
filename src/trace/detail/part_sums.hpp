// Sums of whole files: they never change, so a dashboard of all that there is adds up what each
// file came to instead of walking its rows. They stand beside the files (`sum_files`), where
// whatever has time puts them, and in memory while they are asked for.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "core/context.hpp"
#include "trace/detail/groups.hpp"

namespace slipway::trace::detail {

/// What one group of one project came to in a part.
template <typename Sum>
struct SumCell {
  std::string project, key;
  Sum sum;
};
template <typename Sum>
using SumCells = std::vector<SumCell<Sum>>;
using ProjectMap = std::map<std::string, Project, std::less<>>;

// Walks. Fail: invalid_argument (damaged), and when the context ends.

/// Of traces: those of a group, or of all where nothing groups them; a trace is in the group of
/// each model which it asked.
Result<SumCells<Gathering>> sums_of_traces(const Context& context, const PartView& view,
                                           std::optional<GroupBy> group_by);
Result<SumCells<CostSum>> sums_of_runs(const Context& context, const PartView& view,
                                       std::optional<GroupBy> group_by);
ProjectMap count_projects(const PartView& view);

/// Safe to use from many threads.
class PartSums {
 public:
  struct Options {
    /// In memory; what nobody asked for longest goes first. What takes more than an eighth of it
    /// is not kept at all.
    std::size_t bytes_max = 32u << 20;
    bool may_write = true;  ///< Beside files.
  };
  PartSums() = default;
  explicit PartSums(Options options) : options_(options) {}

  // Of a part that has a file. Fail: as the walks.
  Result<std::shared_ptr<const SumCells<Gathering>>> of_traces(const Context& context,
                                                               const PartView& view,
                                                               std::optional<GroupBy> group_by);
  Result<std::shared_ptr<const SumCells<CostSum>>> of_runs(const Context& context,
                                                           const PartView& view, GroupBy group_by);
  /// Of any part; nothing of it is kept in memory.
  ProjectMap projects(const PartView& view);

  /// Puts beside a file what is not there, where it is little. Fails: as the walks.
  Result<void> prepare(const Context& context, const std::shared_ptr<const Part>& part);
  /// Puts beside a file that was merged out of others what all of these have beside them; `from`
  /// is without the traces that were left out. Fails: as the walks.
  Result<void> inherit(const Context& context, const View& from, const Part& part);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::weak_ptr<const Part> part;
    DeadPtr dead;
    std::string name;
    std::shared_ptr<const void> cells;
    std::size_t bytes = 0;
  };
  std::shared_ptr<const void> find(const PartView& view, const std::string& name);
  void keep(Entry entry);
  std::optional<std::string> read(const PartFile& file, const std::string& name);
  void write(const PartFile& file, const std::string& name, const std::string& sums);
  template <typename Sum>
  Result<std::shared_ptr<const SumCells<Sum>>> get(const Context& context, const PartView& view,
                                                   std::optional<GroupBy> group_by);
  template <typename Sum>
  Result<SumCells<Sum>> of_file(const Context& context, const std::shared_ptr<const Part>& part,
                                std::optional<GroupBy> group_by);
  template <typename Sum>
  Result<void> inherit_one(const Context& context, const View& from, const Part& part,
                           std::optional<GroupBy> group_by);

  const Options options_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::list<Entry> entries_;  ///< The one asked for last is first.
  std::size_t bytes_ = 0;
  std::mutex files_;  ///< Held while a file of sums is read or written.
};

}  // namespace slipway::trace::detail
