#include "agents/taint.hpp"

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

constexpr Taint command = taint_of(Source::command);

/// What a `web` tool returned goes through `nodes` to a tool of risk: high whose approval never
/// asks by itself.
std::string guarded(const std::string& nodes, const std::string& edges) {
  return R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools:
  web: {command: [x], effect: pure}
  own: {command: [y], effect: pure, trusted: true}
  pay: {command: [z], effect: idempotent, risk: high, approve: {when: "false"}}
state:
  q: string
  page: any
  a: any
  b: any
  n: {type: number, reduce: sum}
  list: {type: list, reduce: append}
  map: {type: map, reduce: merge}
  low: {type: number, reduce: min}
  mail: {type: string, untrusted: true}
  done: any
nodes:
  web: {tool: {use: web, args: {q: "{{q}}"}, into: page}}
)" + nodes +
         "edges:\n  - START -> web\n" + edges;
}

const std::string pay_a = "  pay: {tool: {use: pay, args: {to: \"{{a}}\"}, into: done}}\n";
const std::string straight = "  - web -> mid\n  - mid -> pay\n  - pay -> END\n";

struct Case {
  const char *name, *mid;
  bool asks = true;
  const char* replies = "";
};

const Case cases[] = {
    {"the value itself", "{set: {a: page}}"},
    {"a part of it", "{set: {a: page.q}}"},
    {"its size", "{set: {a: size(page.q)}}"},
    {"a choice by it", "{set: {a: \"page.q == 'x' ? 'yes' : 'no'\"}}"},
    {"whether it has a key", "{set: {a: has(page.q)}}"},
    {"the state as a whole", "{set: {a: state}}"},
    {"a list made of it", "{set: {a: \"[1, 2].map(x, x + size(page.q))\"}}"},
    {"a reply of a model that read it", "{llm: {model: m, prompt: \"Sum up {{page}}\", into: a}}",
     true, R"({"text": "fine"})"},
    {"a reply with a schema", "{llm: {model: m, prompt: \"{{page}}\", schema: {a: string}}}", true,
     R"({"json": {"a": "fine"}})"},
    {"a system's words with it", "{llm: {model: m, system: \"{{page}}\", prompt: hello, into: a}}",
     true, R"({"text": "fine"})"},
    {"an item of a map over it",
     "{map: {each: \"[page]\", as: p, do: {tool: {use: own, args: {v: \"{{p}}\"}}}, into: a}}"},
    {"a reply of a model that did not read it",
     "{llm: {model: m, prompt: \"About {{q}}\", into: a}}", false, R"({"text": "fine"})"},
    {"a constant", "{set: {a: \"'me'\"}}", false},
    {"the run's input", "{set: {a: q}}", false},
    {"a key of untrusted input", "{set: {a: mail}}"},
    {"a tool that is trusted", "{tool: {use: own, args: {v: \"{{q}}\"}, into: a}}", false},
    {"a tool that is trusted, called with it",
     "{tool: {use: own, args: {v: \"{{page.q}}\"}, into: a}}"},
};

}  // namespace

TEST_CASE("taint follows values into the arguments of a tool of high risk, which is not called") {
  for (const Case& one : cases)
    for (const bool durable : {false, true}) {
      CAPTURE(one.name);
      World world(durable);
      const AgentPtr agent = world.load(
          guarded(std::string("  mid: ") + one.mid + "\n" + pay_a, straight), one.replies);
      const RunResult result = world.run(agent, R"({"q": "x", "mail": "pay now"})");
      REQUIRE_MESSAGE(!result.error, result.error->message);
      if (!one.asks) {
        CHECK(result.status == Status::done);
        continue;
      }
      REQUIRE(result.status == Status::interrupted);
      const Value& value = result.interrupts[0].value;
      CHECK(result.interrupts[0].kind == "approval");
      CHECK(!value.at("tainted").items().empty());
      CHECK(value.at("why").text().find("risk: high") != std::string::npos);
      const int before = world.tool->calls;
      if (durable) world.reopen();
      CHECK(world.answer("\"reject\"").error->kind == "rejected");
      CHECK(world.tool->calls == before);
    }
}

TEST_CASE("an approval that is asked for by itself is used once, for what it showed") {
  World world;
  const AgentPtr agent = world.load(guarded("  mid: {set: {a: page}}\n" + pay_a, straight));
  const RunResult asked = world.run(agent, R"({"q": "x"})");
  REQUIRE(asked.status == Status::interrupted);
  CHECK(asked.interrupts[0].value.at("args").at("to") == *parse_json(R"({"q": "x"})"));
  CHECK(asked.interrupts[0].value.at("tainted") == Value::list({"command"}));
  CHECK(world.tool->calls == 1);
  world.reopen();
  const RunResult result = world.answer("\"approve\"");
  CHECK(result.status == Status::done);
  CHECK(world.tool->calls == 2);
  const Value ledger = *world.runtime->ledger("t");
  const Value& row = ledger.at("rows").items().back();
  CHECK(row.at("args_tainted") == Value::list({"command"}));
  CHECK(row.at("result_tainted") == Value::list({"command"}));
}

TEST_CASE("arguments that a person wrote instead are clean, and one approval is enough") {
  World world;
  const AgentPtr agent = world.load(guarded(
      "  mid: {set: {a: page}}\n"
      "  pay: {tool: {use: pay, args: {to: \"{{a}}\"}, into: done}, approve: {when: \"true\"}}\n",
      straight));
  CHECK(world.run(agent, R"({"q": "x"})").interrupts.size() == 1);
  const RunResult result = world.answer(R"({"edit": {"args": {"to": "me"}}})");
  CHECK(result.status == Status::done);
  CHECK(result.state.at("done") == *parse_json(R"({"to": "me"})"));
}

TEST_CASE("what a person answers is clean, whatever was asked") {
  World world;
  const AgentPtr agent =
      world.load(guarded("  mid: {human: {ask: \"Pay {{page}}?\", into: a}}\n" + pay_a, straight));
  CHECK(world.run(agent, R"({"q": "x"})").interrupts[0].kind == "human");
  const RunResult result = world.answer("\"bob\"");
  CHECK(result.status == Status::done);
  CHECK(result.state.at("a").taint() == 0);
}

TEST_CASE("a key keeps its taint as its reducer keeps its value, also on disk and on branches") {
  const std::string nodes =
      "  mid: {set: {list: \"[page]\", map: \"{'k': page}\", n: size(page.q), low: 3, b: "
      "page}}\n"
      "  after: {set: {list: \"['mine']\", map: \"{'j': 1}\", n: \"1\", low: \"2\", b: "
      "\"'mine'\"}}\n";
  for (const bool durable : {false, true}) {
    World world(durable);
    const AgentPtr agent =
        world.load(guarded(nodes, "  - web -> mid\n  - mid -> after\n  - after -> END\n"));
    RunResult result = world.run(agent, R"({"q": "x"})");
    REQUIRE(result.status == Status::done);
    const auto check = [&](const Value& state) {
      for (const char* key : {"page", "list", "map", "n"})
        CHECK_MESSAGE(state.at(key).taint() == command, key);
      CHECK(state.at("low").taint() == 0);
      CHECK(state.at("b").taint() == 0);  // Another value stands there now.
    };
    check(result.state);
    CHECK(result.json().at("tainted").at("n") == Value::list({"command"}));
    if (durable) world.reopen();
    const auto history = *world.runtime->history("t");
    check(history.front().state);
    CHECK(history[1].state.at("b").taint() == command);
    CHECK(history[1].json().at("tainted").at("b") == Value::list({"command"}));
    // A branch from the superstep before the last.
    result = world.runtime->resume({}, "t", {.checkpoint = history[1].checkpoint});
    REQUIRE(result.status == Status::done);
    check(result.state);
    const Value report = *world.runtime->replay({}, result.run);
    CHECK(report.at("state").at("list").taint() == command);
  }
}

TEST_CASE("mapped edges, sub-agents and failures hand taint on") {
  World world;
  REQUIRE(write_file_atomically(world.scratch.path() / "sub.yaml", R"y(name: sub
input: [text]
output: [short, fixed]
state: {text: any, short: any, fixed: any}
nodes: {cut: {set: {short: "text", fixed: "'ok'"}}}
edges: [START -> cut, cut -> END]
)y")
              .ok());
  const std::string nodes =
      "  each: {graph: {agent: sub.yaml, input: {text: p}, output: {list: \"[result.short]\"}}}\n"
      "  break: {set: {a: \"fail(page.q)\"}}\n"
      "  pay: {tool: {use: pay, args: {to: \"{{list}}\", why: \"{{b.message}}\"}, into: done}}\n";
  const AgentPtr agent = world.load(guarded(nodes,
                                            "  - web -> each: {each: \"[page, 1]\", as: p}\n"
                                            "  - each -> break\n"
                                            "  - break -> END\n"
                                            "  - break -> pay: {on: [failed], into: b}\n"
                                            "  - pay -> END\n"));
  const RunResult result = world.run(agent, R"({"q": "x"})");
  REQUIRE(result.status == Status::interrupted);
  CHECK(result.state.at("list").taint() == command);
  CHECK(result.state.at("b").taint() == command);
  world.reopen();
  const auto history = *world.runtime->history("t");
  CHECK(history.front().state.at("b").taint() == command);
  CHECK(history.front().interrupts[0].value.at("tainted") == Value::list({"command"}));
}

namespace {

const std::string react = R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools:
  web: {command: [x], effect: pure}
  pay: {command: [z], effect: idempotent, risk: high, approve: {when: "args.n > 100"}}
state: {a: any, log: {type: list, reduce: messages}}
nodes: {think: {agent: {model: m, prompt: go, tools: [web, pay], into: a, messages: log}}}
edges: [START -> think, think -> END]
)";

}  // namespace

TEST_CASE("what a model asks for after it read a tool's text is tainted; before, it is not") {
  World world;
  const AgentPtr agent =
      world.load(react, R"({"turn": 1, "tool_calls": [{"name": "pay", "args": {"n": 1}}]}
{"turn": 2, "tool_calls": [{"name": "web", "args": {"n": 2}}]}
{"turn": 3, "tool_calls": [{"name": "pay", "args": {"n": 3}}]}
{"text": "done"}
)");
  // The result of `pay` itself is a tool's text: `web` and the second `pay` are called after it.
  RunResult result = world.run(agent);
  REQUIRE(result.status == Status::interrupted);
  CHECK(world.tool->calls == 2);
  CHECK(result.interrupts[0].value.at("args").at("n") == Value(3));
  world.reopen();
  result = world.answer("\"reject\"");
  REQUIRE(result.status == Status::done);
  CHECK(result.state.at("a").taint() == command);
  CHECK(result.state.at("log").taint() == command);
  // The conversation goes on where it was: what was read is still in it.
  result = world.run(agent);
  REQUIRE(result.status == Status::interrupted);
  CHECK(result.interrupts[0].value.at("args").at("n") == Value(1));
}

TEST_CASE("approvals may ask by the sources of what is called") {
  World world;
  const std::string nodes =
      "  mid: {set: {a: q}}\n"
      "  pay: {tool: {use: own, args: {to: \"{{a}}\"}, into: done}, approve: {when: \"WHEN\"}}\n";
  const auto asks = [&](const char* when, const char* a) {
    const AgentPtr agent =
        world.load(guarded(with(with(nodes, "WHEN", when), "a: q", a), straight));
    return world.run(agent, R"({"q": "x"})").status == Status::interrupted;
  };
  CHECK(!asks("'command' in tainted", "a: q"));
  CHECK(asks("'command' in tainted", "a: page"));
  CHECK(!asks("'retrieved' in tainted", "a: page"));
  CHECK(asks("size(tainted) > 0", "a: page"));
}

TEST_CASE("a result that was kept for later keeps its sources") {
  for (const bool durable : {false, true}) {
    World world(durable);
    const std::string text =
        guarded("  mid: {set: {a: page}, cache: {ttl: 1h, key: \"k\"}}\n" + pay_a, straight);
    const AgentPtr agent = world.load(text);
    CHECK(world.run(agent, R"({"q": "x"})", {.thread = "one"}).status == Status::interrupted);
    if (durable) world.reopen();
    CHECK(world.run(agent, R"({"q": "x"})", {.thread = "two"}).status == Status::interrupted);
  }
}

TEST_CASE("sources have names, and a name that is not known is not clean") {
  const Taint both = taint_of(Source::http) | taint_of(Source::mcp);
  CHECK(taint_names(both) == Value::list({"http", "mcp"}));
  CHECK(read_taint(taint_names(both)) == both);
  CHECK(read_taint(Value::list({"of the future"})) == taint_of(Source::other));
  CHECK(read_taint(Value()) == 0);
  CHECK(sizeof(Value) == 32);
}

TEST_CASE("a list has the sources of what was put into it; what is compared does not") {
  Value page("page");
  page.add_taint(command);
  Value list = Value::list({"a"});
  CHECK(list.taint() == 0);
  list.push(page);
  CHECK(list.taint() == command);
  CHECK(Value::map({{"k", page}}).taint() == command);
  CHECK(page == Value("page"));
  CHECK(dump(list) == R"(["a","page"])");
}
