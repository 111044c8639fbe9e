// A step of two is not always cheaper than two steps of one: llama.cpp's product of an 8 bit matrix
// with two columns takes 2.7 times as long as with one, because it is another kernel. From which
// size on company pays depends on the weights' type and the processor, so it is measured on the go.
// The bits of a reply do not depend on the size of its steps (docs/decisions/0015-batching.md).
#include "models/detail/step_costs.hpp"

#include <algorithm>

#include "core/result.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t trials_min =
    4;  // The first step of a size may load weights or build a graph.
constexpr std::uint64_t plans_between_doubts = 256;
// The cheapest step counts, because others are slow for reasons that are not theirs (another
// process has the core). A little more each time, because a longer memory costs more.
constexpr double forgetting = 1.01;

}  // namespace

bool StepCosts::Cost::is_known() const { return trials >= trials_min; }

StepCosts::StepCosts(std::size_t size_max) : costs_(size_max) { SLIPWAY_ASSERT(size_max > 0); }

std::vector<std::size_t> StepCosts::plan(std::size_t count) {
  SLIPWAY_ASSERT(count > 0 && count <= costs_.size());
  std::vector<std::size_t> together = {count};
  if (count == 1 || !costs_[count - 1].is_known()) return together;
  const std::vector<std::size_t> apart(count, 1);
  if (!costs_[0].is_known()) return apart;
  std::vector<std::size_t> chosen = best(count);
  if (++plans_ % plans_between_doubts != 0) return chosen;
  return chosen == together ? apart : together;
}

std::vector<std::size_t> StepCosts::best(std::size_t count) const {
  std::vector<double> seconds(count + 1);
  std::vector<std::size_t> last(count + 1);  // The size of one step of the best split.
  for (std::size_t n = 1; n <= count; ++n) {
    for (std::size_t size = 1; size <= n; ++size) {
      const Cost& cost = costs_[size - 1];
      if (!cost.is_known()) continue;
      const double sum = cost.seconds + seconds[n - size];
      if (last[n] != 0 && sum > seconds[n]) continue;
      seconds[n] = sum;
      last[n] = size;
    }
  }
  std::vector<std::size_t> sizes;
  for (std::size_t n = count; n > 0; n -= last[n]) sizes.push_back(last[n]);
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  return sizes;
}

void StepCosts::took(std::size_t size, Duration time) {
  SLIPWAY_ASSERT(size > 0 && size <= costs_.size());
  Cost& cost = costs_[size - 1];
  const double seconds = std::chrono::duration<double>(time).count();
  cost.seconds = cost.trials == 0 ? seconds : std::min(seconds, cost.seconds * forgetting);
  ++cost.trials;
}

}  // namespace slipway::models::detail
