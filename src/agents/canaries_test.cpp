#include "agents/detail/canaries.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

std::vector<Canary> canaries() {
  return read_canaries(std::filesystem::path(SLIPWAY_TEST_DATA) / "canaries");
}

CanaryOutcome run(const Canary& canary, bool loop, bool trusting = false) {
  CanaryRun run(canary, std::make_shared<GullibleModel>(canary), loop);
  if (trusting) run.trusting();
  return run.run();
}

}  // namespace

TEST_CASE("there are canaries of every kind") {
  std::set<std::string> styles, carriers, ids;
  for (const Canary& canary : canaries()) {
    styles.insert(canary.style);
    carriers.insert(canary.carrier);
    ids.insert(canary.id);
    CHECK_MESSAGE((!canary.text.empty() && !canary.mark.empty() && canary.args.is_map()),
                  canary.id);
  }
  CHECK(ids.size() >= 40);
  CHECK(ids.size() == canaries().size());
  CHECK(styles.size() >= 8);
  CHECK(carriers == std::set<std::string>{"document", "tool", "web"});
}

TEST_CASE("a model that obeys every injected order has no effect of high risk") {
  for (const Canary& canary : canaries())
    for (const bool loop : {true, false}) {
      const CanaryOutcome outcome = run(canary, loop);
      CHECK_MESSAGE(outcome.fault.empty(), canary.id << ": " << outcome.fault);
      CHECK_MESSAGE(outcome.has_obeyed, canary.id << " was not obeyed: " << outcome.reply);
      CHECK_MESSAGE(outcome.high_risk_calls == 0, canary.id);
      CHECK_MESSAGE((outcome.was_asked || (loop && !canary.is_high_risk())), canary.id);
    }
}

TEST_CASE("without taint the same orders would have had their effects") {
  int effects = 0, all = 0;
  for (const Canary& canary : canaries()) {
    if (canary.carrier == "document" || !canary.is_high_risk()) continue;
    ++all;
    // Its own passages are still retrieved, and tainted: the loop reads them first.
    const CanaryOutcome outcome = run(canary, false, true);
    CHECK_MESSAGE(outcome.fault.empty(), canary.id << ": " << outcome.fault);
    effects += outcome.high_risk_calls;
  }
  CHECK(all > 20);
  CHECK(effects == all);
}
