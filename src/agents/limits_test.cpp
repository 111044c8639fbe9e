// limits.steps and limits.wall, over timers, people and processes.
#include "agents/detail/test_world.hpp"
#include "agents/host.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

/// Works, then waits for an hour, again and again.
const std::string pacing = R"(name: v
limits: {steps: 5, wall: 25m}
tools: {t: {command: [x], effect: idempotent}}
state: {n: {type: int, reduce: sum}, x: any}
nodes:
  work: {tool: {use: t, args: {}, into: x}}
  count: {set: {n: "1"}}
  doze: {wait: {for: 1h}}
edges:
  - START -> work
  - work -> count
  - count -> doze: {when: "n < 100"}
  - count -> END: {else: true}
  - doze -> work
)";

RunResult wake(World& world) {
  return world.runtime->resume({}, "t", {.waits = false, .is_wake = true});
}

}  // namespace

TEST_CASE("limits.steps counts on when a timer wakes a run, in this process and in the next") {
  for (const bool reopens : {false, true}) {
    World world;
    const AgentPtr agent = world.load(pacing);
    RunResult result = world.run(agent, "{}", {.waits = false});
    REQUIRE(result.is_waiting);
    CHECK(result.steps_made == 2);
    if (reopens) world.reopen();
    world.clock.advance(std::chrono::hours(1));
    result = wake(world);
    REQUIRE(result.status == Status::failed);
    CHECK(result.error->kind == "step_limit");
    CHECK(result.state.at("n") == Value(2));
    // Somebody who goes on with it gives it as many again.
    if (reopens) world.reopen();
    result = world.runtime->resume({}, "t", {.waits = false});
    CHECK(result.is_waiting);
    if (reopens) world.reopen();
    world.clock.advance(std::chrono::hours(1));
    CHECK(wake(world).state.at("n") == Value(3));
  }
}

TEST_CASE("limits.wall is what a run is worked on: waiting does not count, waking does not reset") {
  for (const bool reopens : {false, true}) {
    World world;
    world.tool->act = [&](int, const Value&) {
      world.clock.advance(std::chrono::minutes(10));
      return ToolResult::done(Value(1));
    };
    const AgentPtr agent = world.load(with(pacing, "steps: 5", "steps: 100"));
    RunResult result = world.run(agent, "{}", {.waits = false});
    for (int i = 1; i <= 2; ++i) {
      REQUIRE_MESSAGE(result.is_waiting, dump(result.json()));
      CHECK(result.state.at("n") == Value(i));
      if (reopens) world.reopen();
      world.clock.advance(std::chrono::hours(1));
      result = wake(world);
    }
    REQUIRE(result.status == Status::failed);
    CHECK(result.error->kind == "wall_limit");
    CHECK(world.tool->calls == 3);
  }
}

TEST_CASE("the time in which a person is waited for counts against no limit") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
limits: {wall: 1m}
budget: {wall: 1m, calls: 5}
tools: {t: {command: [x], effect: idempotent}}
state: {ok: any, x: any}
nodes:
  ask: {human: {ask: "Well?", into: ok}}
  work: {tool: {use: t, args: {}, into: x}}
edges: [START -> ask, ask -> work, work -> END]
)");
  REQUIRE(world.run(agent).status == Status::interrupted);
  world.clock.advance(std::chrono::hours(48));
  world.reopen();
  const RunResult result = world.answer("true");
  CHECK_MESSAGE(result.status == Status::done, dump(result.json()));
}

TEST_CASE("budget.wall is of the whole run: no answer and no process gives more of it") {
  for (const bool reopens : {false, true}) {
    World world;
    world.tool->act = [&](int, const Value&) {
      world.clock.advance(std::chrono::minutes(10));
      return ToolResult::done(Value(1));
    };
    const AgentPtr agent = world.load(R"(name: v
budget: {wall: 15m}
tools: {t: {command: [x], effect: idempotent}}
state: {ok: any, x: any}
nodes:
  work: {tool: {use: t, args: {}, into: x}}
  ask: {human: {ask: "More?", into: ok}}
edges:
  - START -> work
  - work -> ask
  - ask -> work: {when: ok == true}
  - ask -> END: {else: true}
)");
    CHECK(world.run(agent).status == Status::interrupted);
    if (reopens) world.reopen();
    CHECK(world.answer("true").status == Status::interrupted);
    if (reopens) world.reopen();
    const RunResult result = world.answer("true");
    REQUIRE(result.status == Status::failed);
    CHECK(result.error->kind == "budget");
    CHECK(world.tool->calls == 2);
  }
}

TEST_CASE("a sub-agent's own limit counts on over its timers") {
  World world;
  std::string inner = with(pacing, "name: v", "name: inner");
  inner = with(inner, "  work: {tool: {use: t, args: {}, into: x}}", "  work: {set: {x: \"1\"}}");
  inner = with(inner, "tools: {t: {command: [x], effect: idempotent}}\n", "");
  REQUIRE(write_file_atomically(world.scratch.path() / "inner.yaml", inner).ok());
  const AgentPtr agent = world.load(R"(name: v
state: {n: any}
nodes: {go: {graph: {agent: inner.yaml, output: {n: result.n}}}}
edges: [START -> go, go -> END]
)");
  CHECK(world.run(agent, "{}", {.waits = false}).is_waiting);
  world.reopen();
  world.clock.advance(std::chrono::hours(1));
  const RunResult result = wake(world);
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "step_limit");
}

TEST_CASE("a model that hangs is ended when the time of the run is over") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
limits: {wall: 50ms}
models: {m: {provider: scripted, replies: r.jsonl}}
state: {a: string}
nodes: {say: {llm: {model: m, prompt: hi, into: a}}}
edges: [START -> say, say -> END]
)",
                                    R"({"text": "late", "delay_ms": 600000})");
  const RunResult result = world.run(agent);
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "wall_limit");
}
