// One commit: patches become traces, and the bytes of the journal that say the same.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "trace/detail/shelf.hpp"
#include "trace/prices.hpp"

namespace slipway::trace::detail {

/// A patch whose payloads were looked at already.
struct PreparedPatch {
  RunPatch patch;
  PayloadPtr inputs, outputs;
};
PreparedPatch prepare(RunPatch&& patch);

/// The next runs and traces in the order of arrival.
struct Arrivals {
  std::int64_t next_run = 1, next_trace = 1;
};

/// Runs of one trace, at most: it is read as a whole.
inline constexpr std::size_t trace_runs_max = 250'000;

class Batch {
 public:
  /// They must outlive it.
  Batch(Shelf& shelf, const PriceBook& prices, Arrivals& arrivals)
      : shelf_(shelf), prices_(prices), arrivals_(arrivals) {}

  /// Fails: invalid_argument (too many runs in one trace, or a damaged segment).
  Result<void> apply(PreparedPatch&& prepared);
  /// Fails: not_found.
  Result<void> remove(const std::string& trace_id);
  /// Prices all runs of a trace of which `wants` says so: by `row`, or by what holds. `visit` gets
  /// the cost before and after.
  using Wants = std::function<bool(const Row&)>;
  using Visit =
      std::function<void(const std::optional<Picodollars>&, const std::optional<Picodollars>&)>;
  Result<void> reprice(const std::string& trace_id, const PriceRow* row, const Wants& wants,
                       const Visit& visit);
  /// What a batch has written to the journal.
  Result<void> replay(std::string_view journal);

  /// The last step before the journal: sums, roots and times. Empty: nothing has changed.
  std::string finish();
  /// Readers see it. After `finish`.
  void install();
  std::size_t changed_runs() const { return changed_runs_; }
  /// Instead of `finish` and `install`: the traces that have changed, with their sums.
  std::vector<MemTracePtr> take_changed();

 private:
  struct Work {
    std::shared_ptr<MemTrace> trace;
    std::size_t known = 0;  ///< Rows that were there before.
    bool is_moved = false;  ///< It was not in the table that is written to.
    std::unordered_map<std::string_view, std::size_t> places;  ///< Of many rows.
    std::map<std::size_t, RowPtr> changed;  ///< Rows and what they were; null: new.
  };
  static constexpr std::size_t few_rows = 24;

  Result<Work*> work_of(const std::string& trace_id);
  std::string trace_of(const RunPatch& patch);
  static std::optional<std::size_t> find_row(Work& work, const std::string& id);
  void put_row(Work& work, std::optional<std::size_t> at, Row&& row);
  void price_again(Work& work, std::size_t at, const PriceRow* row, const Visit& visit);
  void forget(const std::string& trace_id);

  Shelf& shelf_;
  const PriceBook& prices_;
  Arrivals& arrivals_;
  std::unordered_map<std::string, Work> works_;
  std::vector<std::string> order_;  ///< Of the works, as they came.
  std::unordered_map<std::string, std::string> traces_of_runs_;
  std::vector<std::string> removed_;
  std::size_t changed_runs_ = 0;
};

}  // namespace slipway::trace::detail
