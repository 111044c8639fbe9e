#include "core/fault.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace slipway;

namespace {
int calls_until_failure(FaultKind kind, int calls) {
  for (int i = 1; i <= calls; ++i)
    if (!fault_point(kind, "call")) return i;
  return 0;
}

Result<void> arm(const char* plan) {
  ::setenv("SLIPWAY_FAULT", plan, 1);
  auto armed = arm_fault_from_environment();
  ::unsetenv("SLIPWAY_FAULT");
  return armed;
}

/// Ends whatever the environment armed.
void disarm() { const FaultPlan plan(FaultKind::file, 1); }
}  // namespace

TEST_CASE("the n-th call of a kind fails, once, and only while the plan lives") {
  {
    const FaultPlan plan(FaultKind::file, 3);
    CHECK(calls_until_failure(FaultKind::database, 10) == 0);
    CHECK_FALSE(plan.fired());
    CHECK(calls_until_failure(FaultKind::file, 10) == 3);
    CHECK(plan.fired());
    CHECK(calls_until_failure(FaultKind::file, 10) == 0);
  }
  CHECK(calls_until_failure(FaultKind::file, 10) == 0);
}

TEST_CASE("a plan that goes on fails every later call as well") {
  const FaultPlan plan(FaultKind::network, 2, FaultPlan::Mode::onwards);
  CHECK(calls_until_failure(FaultKind::network, 10) == 2);
  for (int i = 0; i < 100; ++i) CHECK_FALSE(fault_point(FaultKind::network, "call").ok());
}

TEST_CASE("an injected fault says its kind and place, and is worth a retry") {
  const FaultPlan plan(FaultKind::database, 1);
  const auto failed = fault_point(FaultKind::database, "commit");
  CHECK(failed.error().message() == "injected database fault at commit");
  CHECK(is_retryable(failed.error().code()));
}

TEST_CASE("a plan comes from the environment") {
  REQUIRE(arm("file:2").ok());
  CHECK(calls_until_failure(FaultKind::file, 10) == 2);
  CHECK(calls_until_failure(FaultKind::file, 10) == 0);
  REQUIRE(arm("database:1:onwards").ok());
  CHECK(calls_until_failure(FaultKind::database, 1) == 1);
  CHECK(calls_until_failure(FaultKind::database, 1) == 1);
  disarm();
  ::unsetenv("SLIPWAY_FAULT");
  CHECK(arm_fault_from_environment().ok());
  CHECK(arm("").ok());
  CHECK(calls_until_failure(FaultKind::database, 3) == 0);
}

TEST_CASE("a plan that is not understood is refused with its text") {
  for (const char* plan : {"file", "file:", "file:0", "file:-1", "file:x", "filex3", "files:3",
                           "disk:1", "file:1:", "file:1:once", "file:99999999999", "file:1 "}) {
    CAPTURE(plan);
    const auto armed = arm(plan);
    REQUIRE_FALSE(armed.ok());
    CHECK(armed.error().code() == Code::invalid_argument);
    CHECK(
        armed.error().message().starts_with(fmt::format("SLIPWAY_FAULT='{}' is not a plan", plan)));
  }
  disarm();
}
