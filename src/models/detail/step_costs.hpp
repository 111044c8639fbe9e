// How many sequences take their next token in one step.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace slipway::models::detail {

/// Learns what steps of each size cost on this machine, with this model, and splits sequences into
/// steps so that a token of each is had soonest. For one thread.
class StepCosts {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit StepCosts(std::size_t size_max);
  /// Sizes whose sum is `count` (1..size_max), the largest first. Now and then it is not the plan
  /// that seems best, so that costs which have changed are seen.
  std::vector<std::size_t> plan(std::size_t count);
  /// A step of so many sequences took so long.
  void took(std::size_t size, Duration time);

 private:
  struct Cost {
    double seconds = 0;
    std::size_t trials = 0;
    bool is_known() const;
  };
  std::vector<std::size_t> best(std::size_t count) const;

  std::vector<Cost> costs_;  ///< By size - 1.
  std::uint64_t plans_ = 0;
};

}  // namespace slipway::models::detail
