#include <set>
#include <thread>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

TEST_CASE("durability exit is refused where a tool has an effect") {
  World world;
  const AgentPtr agent = world.load(with(publishing, "EFFECT", "idempotent"));
  CHECK(world.run(agent, "{}", {.durability = Durability::exit}).error->kind == "durability");
}

TEST_CASE("tools that a model asks for together run together, their results in its order") {
  World world;
  std::atomic<int> inside{0}, most{0};
  world.tool->act = [&](int, const Value& args) {
    most = std::max(most.load(), ++inside);
    for (int i = 0; i < 200 && inside < 3 && most < 3; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    most = std::max(most.load(), inside.load());
    --inside;
    return ToolResult::done(args.at("n"));
  };
  const AgentPtr agent =
      world.load(R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {t: {command: [x], effect: idempotent}}
state: {a: string, log: {type: list, reduce: messages}}
nodes: {think: {agent: {model: m, prompt: go, tools: [t], into: a, messages: log}}}
edges: [START -> think, think -> END]
)",
                 R"({"turn": 1, "tool_calls": [{"name": "t", "args": {"n": 1}}, )"
                 R"({"name": "t", "args": {"n": 2}}, )"
                 R"({"name": "t", "args": {"n": 3}}]})"
                 "\n"
                 R"({"text": "done"})");
  const RunResult result = world.run(agent);
  REQUIRE(result.status == Status::done);
  CHECK(most == 3);
  const auto& log = result.state.at("log").items();
  REQUIRE(log.size() == 6);
  for (int i = 0; i < 3; ++i)
    CHECK(log[static_cast<std::size_t>(i) + 2].at("content") == Value(std::to_string(i + 1)));
}

TEST_CASE("an agent that is a tool runs within its caller: its questions, its calls, its budget") {
  for (const bool reopens : {false, true}) {
    World world;
    REQUIRE(write_file_atomically(world.scratch.path() / "helper.yaml", R"(name: helper
description: Finds things out.
input: [what]
output: [found]
models: {m: {provider: scripted, replies: r.jsonl}}
state: {what: string, found: string, ok: any}
nodes:
  look: {llm: {model: m, prompt: "Look for {{what}}", into: found}}
  ask: {human: {ask: "Take {{found}}?", into: ok}}
edges: [START -> look, look -> ask, ask -> END]
)")
                .ok());
    const AgentPtr agent =
        world.load(R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {helper: {agent: helper.yaml}}
state: {a: string}
nodes: {think: {agent: {model: m, prompt: go, tools: [helper], into: a}}}
edges: [START -> think, think -> END]
)",
                   R"({"node": "think", "turn": 1, "tool_calls": )"
                   R"([{"name": "helper", "args": {"what": "cats"}}, )"
                   R"({"name": "helper", "args": {"what": "dogs"}}]})"
                   "\n"
                   R"({"node": "helper/look", "contains": "cats", "text": "Tom"})"
                   "\n"
                   R"({"node": "helper/look", "text": "Rex"})"
                   "\n"
                   R"({"node": "think", "turn": 2, "text": "both"})");
    RunResult result = world.run(agent);
    REQUIRE(result.status == Status::interrupted);
    REQUIRE(result.interrupts.size() == 2);
    CHECK(result.interrupts[0].value == Value("Take Tom?"));
    CHECK(result.interrupts[1].value == Value("Take Rex?"));
    CHECK(result.calls == 3);
    if (reopens) world.reopen();
    result = world.runtime->resume({}, "t",
                                   {.answers = {{result.interrupts[0].id, Value(true)},
                                                {result.interrupts[1].id, Value(true)}},
                                    .trace = true});
    REQUIRE(result.status == Status::done);
    CHECK(result.state.at("a") == Value("both"));
    CHECK(result.calls == 4);
    CHECK(result.starts->at("helper/look") == Value(2));
    const auto report = world.runtime->replay({}, result.run);
    REQUIRE(report.ok());
    CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
  }
}

TEST_CASE("an effect that is lost again is asked about again, by another id") {
  for (const bool reopens : {false, true}) {
    World world;
    world.tool->act = [](int, const Value&) { return ToolResult::unknown({"network", "broke"}); };
    const AgentPtr agent = world.load(with(publishing, "EFFECT", "at_most_once"));
    (void)world.run(agent, R"({"x": "a"})");
    RunResult result = world.answer(R"("approve")");
    std::set<std::string> ids;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(result.interrupts.size() == 1);
      CHECK(ids.insert(result.interrupts[0].id).second);
      CHECK(world.tool->calls == i + 1);
      if (reopens) world.reopen();
      result = world.answer(R"({"retry": true})");
    }
    if (reopens) world.reopen();
    result = world.answer(R"({"fail": "given up"})");
    CHECK(result.status == Status::failed);
    CHECK(result.error->message == "given up");
    CHECK(world.tool->calls == 4);
  }
}

TEST_CASE("a node may have a budget of its own, within the run's") {
  World world;
  std::string yaml =
      with(mapped, "budget: {tokens: 100, on_exceed: HOW}", "budget: {tokens: 1000}");
  yaml = with(yaml, "          parallel: 1}", "          parallel: 1}\n    budget: {calls: 2}");
  const AgentPtr agent = world.load(yaml, four_tokens);
  RunResult result = world.run(agent, R"({"xs": [1, 2, 3]})");
  CHECK(result.status == Status::failed);
  CHECK(result.error->kind == "budget");
  CHECK(result.calls == 2);
  world.reopen();
  result = world.runtime->resume({}, "t", {});
  CHECK(result.error->kind == "budget");
  CHECK(result.calls == 2);
}

TEST_CASE("what a node gave is kept for a while, over processes, and not asked for again") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {q: string, a: string}
nodes:
  say: {llm: {model: m, prompt: "{{q}}", into: a}, cache: {ttl: 1h, key: "{{q}}"}}
edges: [START -> say, say -> END]
)",
                                    R"({"text": "yes"})");
  CHECK(world.run(agent, R"({"q": "x"})").calls == 1);
  world.reopen();
  const RunResult again = world.run(agent, R"({"q": "x"})", {.thread = "u", .run = "again"});
  CHECK(again.calls == 0);
  CHECK(again.state.at("a") == Value("yes"));
  CHECK(world.runtime->replay({}, "again")->at("ok") == Value(true));
  CHECK(world.run(agent, R"({"q": "y"})", {.thread = "v"}).calls == 1);
  world.clock.advance(std::chrono::hours(2));
  CHECK(world.run(agent, R"({"q": "x"})", {.thread = "w"}).calls == 1);
}

TEST_CASE("one process at a time has the agents of a folder") {
  World world;
  const auto other = Runtime::open({.data = world.scratch.path() / "data"});
  REQUIRE(!other.ok());
  CHECK(other.error().code() == Code::conflict);
}

TEST_CASE("a call of a model must have room in the budgets of the whole program too") {
  World world;
  auto ledger = *budgets::Ledger::open({.path = ":memory:"});
  budgets::BudgetConfig config{.limit_tokens = 50};
  REQUIRE(ledger->create({}, "all", config).ok());
  world.runtime.reset();
  world.runtime = *Runtime::open({.budgets = ledger.get()});
  const AgentPtr agent =
      world.load(with(mapped, "{tokens: 100, on_exceed: HOW}", "{}"), four_tokens);
  const RunResult result = world.run(agent, R"({"xs": [1, 2, 3]})");
  CHECK(result.status == Status::failed);
  CHECK(result.error->kind == "budget");
  CHECK(result.calls == 1);
  REQUIRE(ledger->flush({}).ok());
  const auto list = ledger->list({});
  REQUIRE(list.ok());
  CHECK((*list)[0].spent_tokens == 30);
  CHECK((*list)[0].reserved_tokens == 0);
}
