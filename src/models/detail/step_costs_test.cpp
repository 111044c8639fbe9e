#include "models/detail/step_costs.hpp"

#include <doctest/doctest.h>

#include <map>
#include <numeric>

using namespace slipway::models::detail;
using namespace std::chrono_literals;

namespace {

/// Runs plans for `count` on a machine whose steps cost `time`; the last plan.
template <typename Time>
std::vector<std::size_t> learn(StepCosts& costs, std::size_t count, std::size_t plans, Time time) {
  std::vector<std::size_t> plan;
  for (std::size_t i = 0; i < plans; ++i) {
    plan = costs.plan(count);
    REQUIRE(std::accumulate(plan.begin(), plan.end(), std::size_t{0}) == count);
    for (const std::size_t size : plan) costs.took(size, time(size));
  }
  return plan;
}

}  // namespace

TEST_CASE("sequences share a step where that is cheaper, and only there") {
  const std::map<std::size_t, std::chrono::milliseconds> times = {{1, 14ms}, {2, 38ms}, {3, 44ms},
                                                                  {4, 48ms}, {5, 64ms}, {6, 90ms}};
  const auto time = [&](std::size_t size) { return times.at(size); };
  StepCosts costs(6);
  CHECK(costs.plan(2) == std::vector<std::size_t>{2});  // Nothing is known yet.
  CHECK(learn(costs, 2, 20, time) == std::vector<std::size_t>{1, 1});
  CHECK(learn(costs, 3, 20, time) == std::vector<std::size_t>{1, 1, 1});
  CHECK(learn(costs, 4, 20, time) == std::vector<std::size_t>{4});
  CHECK(learn(costs, 5, 20, time) == std::vector<std::size_t>{4, 1});
  CHECK(learn(costs, 6, 20, time) == std::vector<std::size_t>{4, 1, 1});
  CHECK(costs.plan(1) == std::vector<std::size_t>{1});
}

TEST_CASE("a step that was slow by chance does not decide, and costs that change are seen") {
  StepCosts costs(2);
  std::size_t steps = 0;
  const auto disturbed = [&](std::size_t size) {
    return (size == 2 ? 20ms : 14ms) * (++steps % 3 == 0 ? 20 : 1);
  };
  CHECK(learn(costs, 2, 100, disturbed) == std::vector<std::size_t>{2});
  const auto changed = [](std::size_t size) { return size == 2 ? 60ms : 14ms; };
  CHECK(learn(costs, 2, 700, changed) == std::vector<std::size_t>{1, 1});
  const auto again = [](std::size_t size) { return size == 2 ? 15ms : 14ms; };
  CHECK(learn(costs, 2, 300, again) == std::vector<std::size_t>{2});
}
