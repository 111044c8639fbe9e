#include "agents/runtime.hpp"

#include <doctest/doctest.h>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

TEST_CASE("an approval holds a call until somebody gives it, and is used once") {
  World world;
  const AgentPtr agent = world.load(with(publishing, "EFFECT", "at_most_once"));
  RunResult result = world.run(agent, R"({"x": "text"})");
  REQUIRE(result.status == Status::interrupted);
  REQUIRE(result.interrupts.size() == 1);
  CHECK(result.interrupts[0].kind == "approval");
  CHECK(result.interrupts[0].value.at("ask") == Value("Publish text?"));
  CHECK(result.interrupts[0].value.at("args").at("body") == Value("text"));
  CHECK(world.tool->calls == 0);
  world.reopen();
  const std::string id = result.interrupts[0].id;
  result = world.runtime->resume({}, "t", {.answers = {{"i_wrong", Value("approve")}}});
  CHECK(result.status == Status::failed);
  CHECK(result.error->kind == "answer");
  CHECK(world.answer(R"("perhaps")").error->kind == "answer");
  result = world.runtime->resume({}, "t", {.answers = {{id, Value("approve")}}});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("done").at("body") == Value("text"));
  CHECK(world.tool->calls == 1);
  result = world.runtime->resume({}, "t", {.answers = {{id, Value("approve")}}});
  CHECK(result.error->kind == "answer");
  CHECK(world.tool->calls == 1);
}

TEST_CASE("a rejected call fails as such, an edited one is made with other arguments") {
  World world;
  const AgentPtr agent = world.load(with(publishing, "EFFECT", "at_most_once"));
  (void)world.run(agent, R"({"x": "a"})");
  RunResult result = world.answer(R"({"reject": {"reason": "no"}})");
  CHECK(result.status == Status::done);
  CHECK(result.state.at("x") == Value("rejected"));
  CHECK(result.state.at("err").at("message") == Value("rejected: no"));
  CHECK(world.tool->calls == 0);
  (void)world.run(agent, R"({"x": "a"})");
  result = world.answer(R"({"edit": {"args": {"body": "b"}}})");
  CHECK(result.status == Status::done);
  CHECK(result.state.at("done").at("body") == Value("b"));
}

TEST_CASE("an approval that nobody gives in time is a rejection") {
  World world;
  const AgentPtr agent = world.load(with(publishing, "EFFECT", "at_most_once"));
  const RunResult asked = world.run(agent, R"({"x": "a"})");
  world.clock.advance(std::chrono::hours(25));
  RunResult result =
      world.runtime->resume({}, "t", {.answers = {{asked.interrupts[0].id, Value("approve")}}});
  CHECK(result.error->kind == "answer");
  result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("x") == Value("rejected"));
  CHECK(world.tool->calls == 0);
}

TEST_CASE("an effect whose outcome nobody knows is asked about, never repeated by itself") {
  for (const bool reopens : {false, true}) {
    World world;
    world.tool->act = [](int, const Value&) {
      return ToolResult::unknown({"network", "the connection broke"});
    };
    const AgentPtr agent =
        world.load(with(with(publishing, "EFFECT", "at_most_once"), "into: done}",
                        "into: done}\n    retry: {max: 5, first: 1ms}"));
    (void)world.run(agent, R"({"x": "a"})");
    RunResult result = world.answer(R"("approve")");
    REQUIRE(result.status == Status::interrupted);
    REQUIRE(result.interrupts.size() == 1);
    CHECK(result.interrupts[0].kind == "effect");
    CHECK(result.interrupts[0].value.at("tool") == Value("pub"));
    CHECK(world.tool->calls == 1);
    if (reopens) world.reopen();
    const std::string key = world.tool->last_key;
    world.tool->act = [](int, const Value&) { return ToolResult::done("posted"); };
    result = world.answer(R"({"retry": true})");
    CHECK(result.status == Status::done);
    CHECK(result.state.at("done") == Value("posted"));
    CHECK(world.tool->calls == 2);
    CHECK(world.tool->last_key == key);
    (void)world.run(agent, R"({"x": "b"})");
    world.tool->act = [](int, const Value&) { return ToolResult::unknown({"timeout", "late"}); };
    result = world.answer(R"("approve")");
    CHECK(result.interrupts[0].kind == "effect");
    CHECK(world.tool->last_key != key);
    result = world.answer(R"({"done": {"id": 7}})");
    CHECK(result.status == Status::done);
    CHECK(result.state.at("done").at("id") == Value(7));
    CHECK(world.tool->calls == 3);
  }
}

TEST_CASE("an idempotent effect is repeated with the same key") {
  World world;
  world.tool->act = [](int call, const Value&) {
    return call == 1 ? ToolResult::unknown({"network", "broke"}) : ToolResult::done(call);
  };
  const AgentPtr agent = world.load(with(with(publishing, "EFFECT", "idempotent"), "into: done}",
                                         "into: done}\n    retry: {max: 2, first: 1ms}"));
  (void)world.run(agent, R"({"x": "a"})");
  const RunResult result = world.answer(R"("approve")");
  CHECK(result.status == Status::done);
  CHECK(result.state.at("done") == Value(2));
}

TEST_CASE("a budget that is spent fails the node, and what was paid for is kept") {
  World world;
  const AgentPtr agent = world.load(with(mapped, "HOW", "fail"), four_tokens);
  RunResult result = world.run(agent, R"({"xs": [1, 2, 3, 4]})");
  CHECK(result.status == Status::failed);
  CHECK(result.error->kind == "budget");
  CHECK(result.tokens == 90);
  CHECK(result.calls == 3);
  CHECK(result.reserved_peak == 90);
}

TEST_CASE("a budget may be raised by who is asked, and finished items are not paid twice") {
  for (const bool reopens : {false, true}) {
    World world;
    const AgentPtr agent = world.load(with(mapped, "HOW", "approve"), four_tokens);
    RunResult result = world.run(agent, R"({"xs": [1, 2, 3, 4, 5]})");
    REQUIRE(result.status == Status::interrupted);
    CHECK(result.interrupts[0].kind == "budget");
    CHECK(result.interrupts[0].value.at("needed").at("tokens") == Value(30));
    CHECK(result.interrupts[0].value.at("left").at("tokens") == Value(10));
    if (reopens) world.reopen();
    std::vector<std::pair<std::string, Value>> answers;
    for (const Interrupt& interrupt : result.interrupts)
      answers.emplace_back(interrupt.id, *parse_json(R"({"add": {"tokens": 30}})"));
    result = world.runtime->resume({}, "t", {.answers = answers});
    CHECK(result.status == Status::done);
    CHECK(result.tokens == 150);
    CHECK(result.calls == 5);
    CHECK(result.state.at("end") == Value(5));
  }
}

TEST_CASE("a budget that finishes ends the run well with what there is") {
  World world;
  const AgentPtr agent = world.load(
      with(with(mapped, "HOW", "finish, finish: fin"), "all -> fin", "all -> fin"), four_tokens);
  const RunResult result = world.run(agent, R"({"xs": [1, 2, 3, 4, 5]})");
  CHECK(result.status == Status::done);
  CHECK(result.is_finished_early);
  CHECK(result.tokens == 90);
  CHECK(result.state.at("got").items().size() == 3);
  CHECK(result.state.at("end") == Value(3));
}

TEST_CASE("a ReAct agent calls tools until it answers") {
  World world;
  const std::string yaml = R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {calc: {builtin: calculator}}
state: {q: string, a: string, log: {type: list, reduce: messages}}
nodes:
  think: {agent: {model: m, prompt: "{{q}}", tools: [calc], max_turns: 3, into: a, messages: log}}
edges: [START -> think, think -> END]
)";
  const std::string replies =
      R"({"turn": 1, "tool_calls": [{"name": "calc", "args": {"expression": "6 * 7"}}, )"
      R"({"name": "nope"}]})"
      "\n"
      R"({"turn": 2, "text": "42"})";
  RunResult result = world.run(world.load(yaml, replies), R"({"q": "6 x 7?"})");
  REQUIRE_MESSAGE(result.status == Status::done, (result.error ? result.error->message : ""));
  CHECK(result.state.at("a") == Value("42"));
  const auto& log = result.state.at("log").items();
  REQUIRE(log.size() == 5);
  CHECK(log[2].at("content") == Value("42"));
  CHECK(log[3].at("is_error") == Value(true));
  CHECK(result.calls == 2);
  const std::string endless = R"({"tool_calls": [{"name": "calc", "args": {"expression": "1"}}]})";
  result = world.run(world.load(yaml, endless), R"({"q": "?"})", {.thread = "u"});
  CHECK(result.error->kind == "turn_limit");
}

TEST_CASE("a timer holds a run, over a restart too") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: any}
nodes: {w: {wait: {for: 10m}}, z: {set: {x: step}}}
edges: [START -> w, w -> z, z -> END]
)");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  RunResult result =
      world.runtime->run(Context(stop.get_token()), agent, Value::map(), {.thread = "t"});
  CHECK(result.status == Status::cancelled);
  world.clock.advance(std::chrono::minutes(11));
  world.reopen();
  result = world.runtime->resume({}, "t", {});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("x") == Value(2));
}

TEST_CASE("wrong input is refused before anything is written") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
input: [n]
state: {n: int, m: any}
nodes: {a: {set: {m: n}}}
edges: [START -> a, a -> END]
)");
  CHECK(world.run(agent, R"({"m": 1})").error->kind == "input");
  CHECK(world.run(agent, R"({"k": 1})").error->kind == "input");
  CHECK(world.run(agent, R"({"n": 1.5})").error->kind == "type");
  CHECK(world.run(agent, R"([1])").error->kind == "input");
  CHECK(world.runtime->resume({}, "t", {}).error->kind == "no_thread");
  CHECK(world.runtime->state("t").error().message() == "thread 't' has no run yet");
  CHECK(world.runtime->history("t").error().code() == Code::not_found);
  CHECK(world.runtime->events("t", 0).error().code() == Code::not_found);
  CHECK(world.runtime->copy("t", "other").ok());
  CHECK_FALSE(world.runtime->state("other").ok());
  CHECK(world.run(agent, R"({"n": 1})").status == Status::done);
  CHECK(world.runtime->resume({}, "nobody", {}).error->kind == "no_thread");
  CHECK(world.runtime->resume({}, "t", {.checkpoint = "c99"}).error->kind == "checkpoint");
}

TEST_CASE("history tells every checkpoint, newest first") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {n: {type: int, default: 0}}
nodes: {a: {set: {n: n + 1}}, b: {set: {n: n * 10}}}
edges: [START -> a, a -> b, b -> END]
)");
  (void)world.run(agent);
  (void)world.runtime->resume({}, "t",
                              {.checkpoint = "c2", .set = *parse_json(R"({"n": 5})"), .as = "a"});
  world.reopen();
  const auto history = world.runtime->history("t");
  REQUIRE(history.ok());
  std::string told;
  for (const HistoryEntry& entry : *history)
    told += fmt::format("{} {} {} ", entry.source, entry.step, dump(entry.state));
  CHECK(told ==
        "step 2 {\"n\":50} fork 1 {\"n\":5} step 2 {\"n\":10} step 1 {\"n\":1} input 0 {\"n\":0} ");
  CHECK((*history)[1].parent == "c2");
  CHECK((*history)[1].next == std::vector<std::string>{"b"});
}

TEST_CASE("history tells when each checkpoint was made, also after a restart") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: string}
nodes:
  first: {set: {x: '"a"'}}
  ask: {human: {ask: "?", into: x}}
edges: [START -> first, first -> ask, ask -> END]
)");
  const std::int64_t began =
      std::chrono::duration_cast<std::chrono::milliseconds>(world.clock.now().time_since_epoch())
          .count();
  REQUIRE(world.run(agent).status == Status::interrupted);
  world.clock.advance(std::chrono::minutes(5));
  REQUIRE(world.answer(R"("b")").status == Status::done);
  world.reopen();
  const auto history = world.runtime->history("t");
  REQUIRE(history.ok());
  REQUIRE(history->size() == 3);
  CHECK((*history)[2].time_ms == began);
  CHECK((*history)[1].time_ms == began);
  CHECK((*history)[0].time_ms == began + 300'000);
}

TEST_CASE("the telling tool is told as it is called, and gives nothing that is not trusted") {
  World world;
  const AgentPtr agent = world.load(R"(name: v
state: {x: any}
tools: {tell: {builtin: emit}}
nodes: {say: {tool: {use: tell, args: {n: 1}, into: x}}}
edges: [START -> say, say -> END]
)");
  std::vector<std::string> states;
  const auto listen = [&](const Event& event) {
    if (event.type == "tool") states.push_back(in_words(event.data.at("state")));
    if (event.type == "tool") CHECK(event.data.at("args") == *parse_json(R"({"n": 1})"));
  };
  const RunResult result = world.run(agent, "{}", {.on_event = listen});
  REQUIRE(result.status == Status::done);
  CHECK(states == std::vector<std::string>{"begun", "done"});
  CHECK(result.state.at("x") == Value(true));
  CHECK(result.state.at("x").taint() == 0);
}
