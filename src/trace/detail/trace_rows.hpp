// Writes patches: runs are merged, their traces' sums follow.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "trace/detail/stored_run.hpp"

namespace slipway::trace::detail {

/// One transaction's changes.
class TraceWriter {
 public:
  TraceWriter(store::Connection& connection, const PriceBook& prices)
      : connection_(connection), prices_(prices) {}

  Result<void> apply(RunPatch patch);
  /// Prices a stored run anew: by `row`, or by what holds. True when its cost has changed.
  Result<bool> reprice(StoredRun stored, const PriceRow* row);
  /// The last step: sums, roots and times of the traces that were touched.
  Result<void> finish();

 private:
  /// A trace that this transaction touches.
  struct Touched {
    std::int64_t n = 0;
    bool is_new = false;  ///< Then only `ids` are there.
    std::unordered_set<std::string> ids;
    std::int64_t runs = 0, errors = 0, input = 0, output = 0, total = 0, cost = 0, priced = 0;
  };

  Result<std::string> trace_of(const RunPatch& patch);
  Result<Touched*> touch(const std::string& trace_id, const RunPatch& patch);
  Result<std::optional<StoredRun>> known_run(Touched& trace, const std::string& id);
  static void count(Touched& trace, const StoredRun& stored, std::int64_t sign);

  store::Connection& connection_;
  const PriceBook& prices_;
  std::unordered_map<std::string, Touched> traces_;
};

}  // namespace slipway::trace::detail
