// The vectors of the contract, in memory.
#include <doctest/doctest.h>

#include "agents/detail/scratch.hpp"
#include "agents/detail/vector_driver.hpp"

using namespace slipway;

TEST_CASE("every vector of the contract passes in memory") {
  const auto outcome = agents::detail::run_vectors(SLIPWAY_TEST_DATA, {});
  for (const std::string& fault : outcome.faults) MESSAGE(fault);
  MESSAGE(fmt::format("{} of {} vectors pass", outcome.passed, outcome.count));
  CHECK(outcome.count >= 151);
  CHECK(outcome.passed == outcome.count);
}

TEST_CASE("every vector passes on disk, each call in a runtime of its own") {
  const agents::detail::Scratch scratch;
  const auto outcome = agents::detail::run_vectors(SLIPWAY_TEST_DATA, [&](const std::string& name) {
    return agents::detail::VectorOptions{.data = scratch.path() / name, .reopens = true};
  });
  for (const std::string& fault : outcome.faults) MESSAGE(fault);
  MESSAGE(fmt::format("{} of {} vectors pass on disk", outcome.passed, outcome.count));
  CHECK(outcome.passed == outcome.count);
}
