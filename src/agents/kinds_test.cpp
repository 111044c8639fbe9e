// Each kind of failure that `failure.hpp` names, from what causes it. Of `storage` see
// storage_test.cpp, of `wall_limit` limits_test.cpp, of `context` conversation_test.cpp.
#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

/// An agent of one node.
std::string with_node(const std::string& body, const std::string& more = "") {
  return R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl, context: 60}}
tools: {t: {command: [x], effect: pure}, calc: {builtin: calculator}}
state: {n: int, x: any, seen: any}
nodes:
  a: )y" +
         body + "\n  b: {set: {seen: x.kind}}\n" + more +
         "edges:\n  - START -> a\n  - a -> END\n  - a -> b: {on: [any], into: x}\n  - b -> END\n";
}

struct Cause {
  std::string kind, body, reply = {};
};

const std::vector<Cause> causes = {
    {"expression", R"y({set: {n: "1 / 0"}})y"},
    {"failed", R"y({set: {n: "fail('no')"}})y"},
    {"type", R"y({set: {n: "x"}})y"},
    {"turn_limit", R"y({agent: {model: m, prompt: hi, tools: [calc], max_turns: 1, into: n}})y",
     R"y({"tool_calls": [{"name": "calc", "args": {"expression": "1"}}]})y"},
    {"schema", R"y({llm: {model: m, prompt: hi, schema: {n: int}, max_tokens: 9}})y",
     R"y({"text": "none"})y"},
    {"refused", R"y({code: {lang: python, source: "result = 1", into: x}})y"},
    {"unsupported", R"y({rag: {collection: c, question: hi, into: x}})y"},
    {"script", R"y({llm: {model: m, prompt: hi, max_tokens: 9, into: x}})y",
     R"y({"contains": "other", "text": "a"})y"},
    {"network", R"y({llm: {model: m, prompt: hi, max_tokens: 9, into: x}})y",
     R"y({"error": "network"})y"},
    {"rate_limit", R"y({llm: {model: m, prompt: hi, max_tokens: 9, into: x}})y",
     R"y({"error": "rate_limit"})y"},
    {"timeout", R"y({llm: {model: m, prompt: hi, max_tokens: 9, into: x}, timeout: 20ms})y",
     R"y({"text": "late", "delay_ms": 60000})y"},
    {"timeout", R"y({human: {ask: hi, into: x, timeout: 1s, on_timeout: fail}})y"},
    {"budget", R"y({llm: {model: m, prompt: hi, max_tokens: 9, into: x}, budget: {tokens: 5}})y",
     R"y({"text": "a"})y"},
    {"tool", R"y({tool: {use: t, args: {}, into: x}})y"},
    {"rejected",
     R"y({tool: {use: calc, args: {expression: "1"}, into: x}, approve: {ask: "Do?"}})y"},
};

}  // namespace

TEST_CASE("each kind of failure has its cause, and an edge takes it") {
  for (const Cause& cause : causes) {
    INFO(cause.kind, " from ", cause.body);
    World world;
    world.tool->act = [](int, const Value&) {
      return ToolResult::failed({.kind = "tool", .message = "it said no"});
    };
    const std::string yaml = with_node(cause.body);
    RunResult result = world.run(world.load(yaml, cause.reply), R"({"x": "text"})");
    if (cause.kind == "rejected") {
      REQUIRE(result.interrupts.size() == 1);
      result = world.answer(R"({"reject": "no"})");
    } else if (result.status == Status::interrupted) {
      world.clock.advance(std::chrono::seconds(2));
      result = world.runtime->resume({}, "t", {});
    }
    CHECK(result.status == Status::done);
    CHECK(in_words(result.state.at("seen")) == cause.kind);
    CHECK(result.state.at("x").at("node") == Value("a"));
  }
}

TEST_CASE("what ends a run and no edge takes has its kind too") {
  World world;
  const auto kind_of = [](const RunResult& result) {
    return result.error ? result.error->kind : std::string("none");
  };
  const AgentPtr loop = world.load(
      "name: v\nlimits: {steps: 3}\nstate: {n: {type: int, default: 0}}\n"
      "nodes: {a: {set: {n: n + 1}}}\n"
      "edges:\n  - START -> a\n  - a -> a: {when: n < 9}\n  - a -> END: {else: true}\n");
  CHECK(kind_of(world.run(loop)) == "step_limit");
  const AgentPtr conflict = world.load(
      "name: v\nstate: {n: int}\nnodes: {a: {set: {n: \"1\"}}, b: {set: {n: \"2\"}}}\n"
      "edges: [START -> a, START -> b, a -> END, b -> END]\n");
  CHECK(kind_of(world.run(conflict, "{}", {.thread = "conflict"})) == "write_conflict");
  std::stop_source source;
  source.request_stop();
  const RunResult cancelled =
      world.runtime->run(Context(source.get_token()), loop, Value::map(), {.thread = "c"});
  CHECK(cancelled.status == Status::cancelled);

  CHECK(kind_of(world.runtime->resume({}, "nobody", {})) == "no_thread");
  CHECK(kind_of(world.run(loop, R"({"other": 1})", {.thread = "i"})) == "input");
  CHECK(kind_of(world.runtime->resume({}, "t", {.answer = Value(1)})) == "answer");
  CHECK(kind_of(world.runtime->resume({}, "t", {.checkpoint = "c99"})) == "checkpoint");
  const AgentPtr effect = world.load(with_node("{tool: {use: t, args: {}, into: x}}"));
  const std::string paid =
      with(with_node("{tool: {use: t, args: {}, into: x}}"), "pure", "idempotent");
  CHECK(kind_of(world.run(world.load(paid), "{}",
                          {.thread = "d", .durability = Durability::exit})) == "durability");
  std::string busy;
  world.tool->act = [&](int, const Value&) {
    busy = kind_of(world.runtime->resume({}, "b", {}));
    return ToolResult::done(1);
  };
  CHECK(world.run(effect, "{}", {.thread = "b"}).status == Status::done);
  CHECK(busy == "busy");

  CHECK(failure_of(Error(Code::internal, "a bug")).kind == "internal");
  CHECK(failure_of(Error(Code::cancelled, "stopped")).kind == "cancelled");
  CHECK(storage_failure(Error(Code::unavailable, "no space")).kind == "storage");
}
