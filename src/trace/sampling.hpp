// Which traces are kept where not all are wanted: `traces.sampling` of slipway.yaml.
//
// A trace is kept whole or not at all, and by its id, so that every process and every way in
// decides alike. What clients send is stored first, since only its end tells whether it failed or
// was slow; soon after its root has ended a trace that is not wanted is deleted again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"

namespace slipway::trace {

struct SamplingConfig {
  double rate = 1;            ///< Share of the traces that are kept, 0..1.
  bool keep_errors = true;    ///< All with a run that failed are kept,
  double keep_slower_ms = 0;  ///< and all that take at least so long; 0: none for that.
  Result<void> validate() const;
  bool is_on() const { return rate < 1; }
};
BOOST_DESCRIBE_STRUCT(SamplingConfig, (), (rate, keep_errors, keep_slower_ms))

/// Where a trace stands between 0 and 1: it is in the sample if that is below the rate.
double lot_of(std::string_view trace_id);

/// The share of our own traces that is recorded at all: of slow ones only the end knows.
inline double own_share(const SamplingConfig& config) {
  return config.keep_slower_ms > 0 ? 1 : config.rate;
}

/// What was left out since the folder was made.
struct LeftOut {
  std::int64_t traces = 0, runs = 0;
};
BOOST_DESCRIBE_STRUCT(LeftOut, (), (traces, runs))

class TraceStore;

/// What a store of files does beside reading and writing. Safe to use from many threads.
class Upkeep {
 public:
  virtual ~Upkeep() = default;
  /// Of traces outside the sample those that somebody needs all the same.
  using Needed =
      std::function<Result<std::set<std::string>>(const std::vector<std::string>& trace_ids)>;
  /// Before runs come in; until then every trace is kept.
  virtual void set_sampling(const SamplingConfig& config, Needed needed) = 0;
  virtual SamplingConfig sampling() const = 0;
  virtual LeftOut left_out() const = 0;
  /// Every second or so: deletes what ended at least `patience` ago outside of the sample, and
  /// gives memory back that files are read in. Each trace is looked at once, when it has ended;
  /// what comes for it later goes too. Fails: as a write of the store.
  virtual Result<void> tend(const Context& context, std::chrono::milliseconds patience) = 0;
};
/// Of what `TraceStore::open` gave; null: of another kind of store.
Upkeep* upkeep_of(TraceStore& store);

}  // namespace slipway::trace
