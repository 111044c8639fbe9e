// Sums of whole files, kept in memory: files never change, so a dashboard of all that there is adds
// up what each file came to instead of walking its rows.
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

/// Of traces: those of a group, or of all where nothing groups them; a trace is in the group of
/// each model which it asked. Fails: invalid_argument (damaged), and when the context ends.
Result<SumCells<Gathering>> sums_of_traces(const Context& context, const PartView& view,
                                           std::optional<GroupBy> group_by);
Result<SumCells<CostSum>> sums_of_runs(const Context& context, const PartView& view,
                                       GroupBy group_by);

/// Those that were asked for, while their parts are there and there is room; the ones that nobody
/// asked for longest go first. Safe to use from many threads.
class PartSums {
 public:
  explicit PartSums(std::size_t bytes_max = 32u << 20) : bytes_max_(bytes_max) {}

  // Of a part that lasts (`Part::is_lasting`). Fails: as above.
  Result<std::shared_ptr<const SumCells<Gathering>>> of_traces(const Context& context,
                                                               const PartView& view,
                                                               std::optional<GroupBy> group_by);
  Result<std::shared_ptr<const SumCells<CostSum>>> of_runs(const Context& context,
                                                           const PartView& view, GroupBy group_by);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::weak_ptr<const Part> part;
    DeadPtr dead;
    int what = 0;
    std::shared_ptr<const void> cells;
    std::size_t bytes = 0;
  };
  std::shared_ptr<const void> find(const PartView& view, int what);
  void keep(Entry entry);
  template <typename Sum, typename Make>
  Result<std::shared_ptr<const SumCells<Sum>>> get(const PartView& view, int what,
                                                   const Make& make);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::list<Entry> entries_;  ///< The one asked for last is first.
  std::size_t bytes_ = 0;
};

}  // namespace slipway::trace::detail
