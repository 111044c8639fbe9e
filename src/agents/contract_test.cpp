// Sentences of the contract that no vector proves: probes, times, retries, errors, limits.
#include <thread>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string probed = R"(name: v
tools:
  go: {command: [x], effect: at_most_once, probe: look}
  look: {command: [y], effect: pure}
state: {done: any}
nodes: {call: {tool: {use: go, args: {n: 1}, into: done}}}
edges: [START -> call, call -> END]
)";

}  // namespace

TEST_CASE("a probe says how a lost call ended, or whether it may be made again") {
  struct Case {
    const char* answer;  ///< Of the probe.
    Status status;
    int calls;  ///< Of the tool.
    const char* done;
  };
  const Case cases[] = {
      {R"({"done": true, "result": {"id": 7}})", Status::done, 1, R"({"id":7})"},
      {R"({"done": false})", Status::done, 2, "\"again\""},
      {R"({"maybe": 1})", Status::interrupted, 1, ""},
      {R"("what?")", Status::interrupted, 1, ""},
  };
  for (const Case& each : cases) {
    CAPTURE(each.answer);
    World world;
    int made = 0;
    std::string asked;
    world.tool->act = [&](int, const Value& args) {
      if (const Value* key = args.find("key")) {
        asked = key->text();
        return ToolResult::done(*parse_json(each.answer));
      }
      return ++made == 1 ? ToolResult::unknown({"network", "broke"}) : ToolResult::done("again");
    };
    const RunResult result = world.run(world.load(probed));
    CHECK(result.status == each.status);
    CHECK(made == each.calls);
    const Value ledger = *world.runtime->ledger("t");
    CHECK(ledger.at("rows").items().back().at("key") == Value(asked));
    if (each.status == Status::done)
      CHECK(dump(result.state.at("done")) == each.done);
    else
      CHECK(result.interrupts[0].kind == "effect");
  }
}

TEST_CASE("who is not answered in time goes on with the value that the file says, or fails") {
  const std::string text = R"(name: v
state: {x: any}
nodes: {ask: {human: {ask: "?", into: x, timeout: 1h, on_timeout: HOW}}}
edges: [START -> ask, ask -> END]
)";
  for (const bool has_value : {true, false}) {
    World world;
    const RunResult asked =
        world.run(world.load(with(text, "HOW", has_value ? "{value: {a: 1}}" : "fail")));
    REQUIRE(asked.status == Status::interrupted);
    CHECK(asked.interrupts[0].expires_ms > 0);
    world.clock.advance(std::chrono::minutes(61));
    world.reopen();
    const RunResult late =
        world.runtime->resume({}, "t", {.answers = {{asked.interrupts[0].id, Value(1)}}});
    CHECK(late.error->kind == "answer");
    const RunResult result = world.runtime->resume({}, "t", {});
    if (has_value)
      CHECK(result.state.at("x").at("a") == Value(1));
    else
      CHECK(result.error->kind == "timeout");
  }
}

TEST_CASE("a timer until a time takes a timestamp or seconds, and refuses what is neither") {
  World world;
  const auto until = [&](const std::string& expression) {
    return world.run(world.load(with(R"(name: v
state: {x: any}
nodes: {hold: {wait: {until: EXPRESSION}}}
edges: [START -> hold, hold -> END]
)",
                                     "EXPRESSION", expression)),
                     "{}", {.waits = false});
  };
  CHECK(until("\"'2001-01-01T00:00:00Z'\"").status == Status::done);
  CHECK(until("\"5\"").status == Status::done);
  CHECK(until("\"'tomorrow'\"").error->kind == "expression");
  CHECK(until("\"[1]\"").error->kind == "expression");
  const RunResult waiting = until("\"'2999-01-01T00:00:00Z'\"");
  CHECK(waiting.is_waiting);
  CHECK(waiting.wake_ms == 32'472'144'000'000);
}

TEST_CASE("a retry waits longer each time, up to a bound, for the kinds that it names") {
  Retry retry{.first = Milliseconds(100), .factor = 3, .max_wait = Milliseconds(500)};
  CHECK(retry.pause_after(1) == Milliseconds(100));
  CHECK(retry.pause_after(2) == Milliseconds(300));
  CHECK(retry.pause_after(3) == Milliseconds(500));
  CHECK(retry.pause_after(50) == Milliseconds(500));
  CHECK(retry.max == 1);
  for (const char* kind : {"network", "timeout", "rate_limit"}) CHECK(retry.covers(kind));
  CHECK(!retry.covers("expression"));
  retry.on = {"any"};
  CHECK(retry.covers("expression"));
  CHECK(!retry.covers("cancelled"));
}

TEST_CASE("attempts count starts, also those before a resume; the run fails after the last") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {n: any}
nodes:
  go:
    set: {n: "attempt < 5 ? fail(string(attempt)) : attempt"}
    retry: {max: 2, first: 1ms, on: [failed]}
edges: [START -> go, go -> END]
)");
  CHECK(world.run(agent).error->message == "2");
  world.reopen();
  CHECK(world.runtime->resume({}, "t", {}).error->message == "4");
  const RunResult result = world.runtime->resume({}, "t", {.trace = true});
  CHECK(result.state.at("n") == Value(5));
  CHECK(result.starts->at("go") == Value(5));
}

TEST_CASE("all failures of a superstep are told in merge order; only they are run again") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
tools: {t: {command: [x], effect: at_most_once}}
state: {all: {type: list, reduce: append}}
nodes:
  a: {tool: {use: t, into: all}}
  b: {set: {all: "attempt == 1 ? fail('no b') : ['b']"}}
  c: {set: {all: "attempt == 1 ? [1 / 0] : ['c']"}}
edges: [START -> c, START -> b, START -> a, a & b & c -> END]
)");
  world.tool->act = [](int, const Value&) { return ToolResult::done(Value::list({"a"})); };
  RunResult result = world.run(agent);
  REQUIRE(result.errors.size() == 2);
  CHECK(result.error->node == "b");
  CHECK(result.error->kind == "failed");
  CHECK(result.errors[1].node == "c");
  CHECK(result.errors[1].kind == "expression");
  CHECK(result.state.at("all") == Value::list());
  world.reopen();
  result = world.runtime->resume({}, "t", {.trace = true});
  CHECK(result.status == Status::done);
  CHECK(dump(result.state.at("all")) == R"(["a","b","c"])");
  CHECK(world.tool->calls == 1);
  REQUIRE(result.steps->size() == 1);
  CHECK(result.steps->front().tasks.size() == 3);
  CHECK(result.starts->at("a") == Value(1));
  CHECK(result.starts->at("b") == Value(2));
}

TEST_CASE("a run has so many supersteps and so much time, and may be resumed beyond") {
  World world;
  const std::string text = R"(name: v
limits: {steps: 3, wall: WALL}
state: {n: {type: int, reduce: sum}}
nodes: {go: {set: {n: "1"}}}
edges:
  - START -> go
  - go -> go: {when: n < 5}
  - go -> END: {else: true}
)";
  RunResult result = world.run(world.load(with(text, "WALL", "1h")));
  CHECK(result.error->kind == "step_limit");
  CHECK(result.state.at("n") == Value(3));
  result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("n") == Value(5));
  result = world.run(world.load(with(text, "WALL", "0s")), "{}", {.thread = "late"});
  CHECK(result.error->kind == "wall_limit");
}

TEST_CASE("a sub-agent has steps of its own, and its parent's budget") {
  World world;
  REQUIRE(write_file_atomically(world.scratch.path() / "sub.yaml", R"y(name: sub
limits: {steps: 4}
models: {m: {provider: scripted, replies: r.jsonl}}
state: {n: {type: int, reduce: sum}, text: any, most: any}
nodes:
  say: {llm: {model: m, prompt: hi, into: text, max_tokens: 20}}
  go: {set: {n: "1"}}
edges:
  - START -> say
  - say -> go
  - go -> go: {when: n < most}
  - go -> END: {else: true}
)y")
              .ok());
  const std::string text = R"(name: v
limits: {steps: 2}
budget: {tokens: TOKENS, on_exceed: fail}
state: {most: int, n: any}
nodes: {inner: {graph: {agent: sub.yaml, input: {most: most}, output: {n: result.n}}}}
edges: [START -> inner, inner -> END]
)";
  const AgentPtr agent = world.load(with(text, "TOKENS", "100"), four_tokens);
  RunResult result = world.run(agent, R"({"most": 3})");
  CHECK(result.state.at("n") == Value(3));
  CHECK(result.tokens == 30);
  CHECK(result.starts->at("inner/go") == Value(3));
  result = world.run(agent, R"({"most": 9})", {.thread = "many"});
  CHECK(result.error->kind == "step_limit");
  CHECK(result.error->node == "inner");
  result = world.run(world.load(with(text, "TOKENS", "29"), four_tokens), R"({"most": 3})",
                     {.thread = "poor"});
  CHECK(result.error->kind == "budget");
  CHECK(result.tokens == 0);
}

TEST_CASE("a budget of calls and one of money hold what they say") {
  const std::string text = R"(name: v
models:
  m: {provider: scripted, replies: r.jsonl, input_usd_per_million: 1000,
      output_usd_per_million: 2000}
budget: {LIMIT, on_exceed: fail}
state: {xs: list, got: list}
nodes:
  all:
    map: {each: xs, as: q, do: {llm: {model: m, prompt: "{{q}}", max_tokens: 20}}, into: got,
          parallel: 1, on_error: null}
edges: [START -> all, all -> END]
)";
  World world;
  RunResult result =
      world.run(world.load(with(text, "LIMIT", "calls: 2"), four_tokens), R"({"xs": [1, 2, 3]})");
  CHECK(result.calls == 2);
  CHECK(dump(result.state.at("got")) == R"(["ok","ok",null])");
  // Each takes at most 10 * 0.001 + 20 * 0.002 USD, and takes that.
  result = world.run(world.load(with(text, "LIMIT", "usd: 0.1"), four_tokens),
                     R"({"xs": [1, 2, 3]})", {.thread = "usd"});
  CHECK(result.usd == doctest::Approx(0.1));
  CHECK(dump(result.state.at("got")) == R"(["ok","ok",null])");
  CHECK(result.reserved_peak == 60);
}

TEST_CASE("durability exit is written once, at the end of a run") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: any, y: any}
nodes: {a: {set: {x: "1"}}, ask: {human: {ask: "?", into: y}}}
edges: [START -> a, a -> ask, ask -> END]
)");
  CHECK(world.run(agent, "{}", {.durability = Durability::exit}).status == Status::interrupted);
  world.reopen();
  CHECK(world.runtime->state("t")->at("state").at("x") == Value(1));
  CHECK(world.answer("2").state.at("y") == Value(2));
}

TEST_CASE("durability none leaves nothing behind") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: any}
nodes: {a: {set: {x: "1"}}}
edges: [START -> a, a -> END]
)");
  CHECK(world.run(agent, "{}", {.durability = Durability::none}).status == Status::done);
  world.reopen();
  CHECK(world.runtime->history("t").error().code() == Code::not_found);
}

TEST_CASE("pauses are passed once by a resume without answers") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {n: {type: int, reduce: sum}}
nodes:
  a: {set: {n: "1"}, pause: before}
  b: {set: {n: "10"}, pause: after}
edges: [START -> a, a -> b, b -> END]
)");
  RunResult result = world.run(agent);
  CHECK(result.status == Status::interrupted);
  CHECK(result.interrupts.empty());
  CHECK(result.state.at("n") == Value(0));
  world.reopen();
  result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::interrupted);
  CHECK(result.state.at("n") == Value(11));
  world.reopen();
  result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("n") == Value(11));
}

TEST_CASE("a reply with a schema goes to keys of its names, or into one") {
  World world;
  const std::string text = R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {a: int, b: list, whole: any}
nodes: {go: {llm: {model: m, prompt: hi, schema: {a: int, b: list}INTO}}}
edges: [START -> go, go -> END]
)";
  const std::string reply = R"({"json": {"a": 1, "b": [2]}})";
  RunResult result = world.run(world.load(with(text, "INTO", ""), reply));
  CHECK(result.state.at("a") == Value(1));
  CHECK(result.state.at("b") == Value::list({2}));
  CHECK(result.state.find("whole") == nullptr);
  result = world.run(world.load(with(text, "INTO", ", into: whole"), reply), "{}", {.thread = "w"});
  CHECK(dump(result.state.at("whole")) == R"({"a":1,"b":[2]})");
  CHECK(result.state.find("a") == nullptr);
  result = world.run(world.load(with(text, "INTO", ""), R"({"json": {"a": "1", "b": []}})"), "{}",
                     {.thread = "wrong"});
  CHECK(result.error->kind == "schema");
}

TEST_CASE("input for a thread that stands somewhere drops its superstep and keeps its state") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {n: {type: int, reduce: sum}, x: any}
nodes:
  a: {set: {n: "1"}}
  ask: {human: {ask: "{{n}}?", into: x}}
edges: [START -> a, a -> ask, ask -> END]
)");
  const RunResult first = world.run(agent, R"({"n": 5})");
  CHECK(first.interrupts[0].value == Value("6?"));
  const RunResult second = world.run(agent, R"({"n": 1})");
  REQUIRE(second.interrupts.size() == 1);
  CHECK(second.interrupts[0].value == Value("8?"));
  CHECK(second.interrupts[0].id != first.interrupts[0].id);
  const RunResult late =
      world.runtime->resume({}, "t", {.answers = {{first.interrupts[0].id, Value(1)}}});
  CHECK(late.error->kind == "answer");
  CHECK(world.answer("1").status == Status::done);
}

TEST_CASE("answers come together or not at all, and once") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: any, y: any}
nodes: {a: {human: {ask: "a?", into: x}}, b: {human: {ask: "b?", schema: {n: int}, into: y}}}
edges: [START -> a, START -> b, a & b -> END]
)");
  const RunResult asked = world.run(agent);
  REQUIRE(asked.interrupts.size() == 2);
  const std::string a = asked.interrupts[0].id, b = asked.interrupts[1].id;
  const Value good = *parse_json(R"({"n": 1})");
  const auto resume = [&](std::vector<std::pair<std::string, Value>> answers) {
    return world.runtime->resume({}, "t", {.answers = std::move(answers), .answered_by = "ann"});
  };
  CHECK(resume({{a, Value(1)}, {b, Value("n")}}).error->kind == "answer");
  CHECK(resume({{a, Value(1)}, {a, Value(2)}}).error->kind == "answer");
  CHECK(world.runtime->resume({}, "t", {.answer = Value(1)}).error->kind == "answer");
  const RunResult half = resume({{a, Value(1)}});
  REQUIRE(half.interrupts.size() == 1);
  CHECK(half.interrupts[0].id == b);
  CHECK(resume({{a, Value(1)}, {b, good}}).error->kind == "answer");
  const RunResult result = resume({{b, good}});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("x") == Value(1));
  CHECK(result.state.at("y") == good);
}

TEST_CASE("the limit of parallel tasks holds for the run: maps, sub-agents and tools share it") {
  World world;
  int threads = 0;
  std::atomic<int> inside{0}, most{0};
  world.tool->act = [&](int, const Value&) {
    const int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    --inside;
    return ToolResult::done(1);
  };
  const auto check = [&](const std::string& yaml, int calls) {
    world.tool->calls = most = 0;
    RunOptions options;
    options.thread = fmt::format("t{}", ++threads);
    const std::string replies =
        R"({"turn": 1, "tool_calls": [{"name": "s", "args": {}}, {"name": "s", "args": {}}, )"
        R"({"name": "s", "args": {}}]})"
        "\n"
        R"({"turn": 2, "text": "ok"})"
        "\n";
    const RunResult result = world.run(world.load(yaml, replies), "{}", options);
    CHECK_MESSAGE(result.status == Status::done, yaml);
    CHECK(world.tool->calls == calls);
    CHECK(most <= 4);
  };
  const std::string eight =
      R"({map: {each: "[1, 2, 3, 4, 5, 6, 7, 8]", as: i, do: {tool: {use: t}}, into: a}})";
  const std::string head =
      "name: v\nlimits: {parallel: 4}\ntools: {t: {command: [x], effect: pure}";
  REQUIRE(write_file_atomically(world.scratch.path() / "sub.yaml", R"(name: sub
output: [a]
tools: {t: {command: [x], effect: pure}}
state: {a: any}
nodes: {all: )" + eight + "}\nedges: [START -> all, all -> END]\n")
              .ok());
  check(head + "}\nstate: {a: any, b: any}\nnodes:\n  one: " + eight +
            "\n  two: " + with(eight, "into: a", "into: b, parallel: 8") +
            "\nedges: [START -> one, START -> two, one & two -> END]\n",
        16);
  // Three at once, each with a map of eight: never 3 x 16 or 3 x 4.
  check(head + R"(}
state: {all: {type: list, reduce: append}}
nodes: {work: {graph: {agent: sub.yaml, output: {all: result.a}}}}
edges: [START -> work: {each: "[1, 2, 3]", as: n}, work -> END]
)",
        24);
  check(head + R"(}
state: {all: any}
nodes: {work: {map: {each: "[1, 2, 3]", as: n, do: {graph: {agent: sub.yaml}}, into: all}}}
edges: [START -> work, work -> END]
)",
        24);
  check(head + R"(, s: {agent: sub.yaml}}
models: {m: {provider: scripted, replies: r.jsonl}}
state: {all: any}
nodes: {work: {agent: {model: m, prompt: go, tools: [s], into: all}}}
edges: [START -> work, work -> END]
)",
        24);
}
