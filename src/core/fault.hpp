// Fault injection: the N-th call that could fail does fail, so that a test can walk N upwards until
// the operation succeeds and check after every failure that nothing is half done (the way SQLite is
// tested).
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace slipway {

/// The kinds of outside world that can fail.
enum class FaultKind { database, file, network };

/// Production code asks this right before it touches the outside world. Costs one relaxed load when
/// nothing is armed. Fails: unavailable, only inside a `FaultPlan`.
Result<void> fault_point(FaultKind kind, std::string_view what);

/// While it lives, the `nth` (1-based) fault point of its kind fails in this process, once or from
/// then on. For tests; one at a time.
class FaultPlan {
 public:
  enum class Mode { once, onwards };
  FaultPlan(FaultKind kind, int nth, Mode mode = Mode::once);
  ~FaultPlan();
  FaultPlan(const FaultPlan&) = delete;
  FaultPlan& operator=(const FaultPlan&) = delete;

  /// Whether the N-th point was reached: a loop over N ends when it was not.
  bool fired() const;
};

/// Arms a plan for the whole process from `SLIPWAY_FAULT=kind:nth[:onwards]`, for tests of the real
/// binary. Fails: invalid_argument when the variable is set and not understood.
Result<void> arm_fault_from_environment();

}  // namespace slipway
