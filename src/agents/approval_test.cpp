// What an approval's `when` sees, who gave it, and what the rest of a run goes by meanwhile.
#include <set>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string asking = R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl, input_usd_per_million: 1000}}
tools: {pay: {command: [x], effect: pure, RISK approve: {when: "WHEN"}}}
state: {said: string, got: any, at: any}
nodes:
  say: {llm: {model: m, prompt: hi, into: said, max_tokens: 30}}
  go: {tool: {use: pay, args: {n: 7}, into: got}}
  tell: {set: {at: step}}
edges: [START -> say, say -> go, go -> tell, tell -> END]
)y";

}  // namespace

TEST_CASE("an approval may ask by tool, arguments, risk and what was spent") {
  struct Case {
    const char* when;
    bool asks;
    const char* risk = "";
  };
  const Case cases[] = {
      {"tool == 'pay'", true},
      {"tool == 'say'", false},
      {"args.n > 6", true},
      {"args.n > 7", false},
      {"risk == 'low'", true},
      {"risk == 'high'", false},
      {"risk == 'high'", true, "risk: high,"},
      {"spent.tokens == 30 && spent.calls == 1 && spent.usd > 0.0099", true},
      {"spent.tokens > 30 || spent.calls > 1", false},
  };
  for (const Case& each : cases) {
    CAPTURE(each.when);
    World world;
    const RunResult result = world.run(
        world.load(with(with(asking, "WHEN", each.when), "RISK", each.risk), four_tokens));
    CHECK(result.status == (each.asks ? Status::interrupted : Status::done));
    CHECK(world.tool->calls == (each.asks ? 0 : 1));
  }
}

TEST_CASE("who gave an approval stands in the ledger, with what was said and when") {
  World world;
  const AgentPtr agent = world.load(with(with(asking, "WHEN", "true"), "RISK", ""), four_tokens);
  const RunResult asked = world.run(agent);
  REQUIRE(asked.interrupts.size() == 1);
  const std::string id = asked.interrupts[0].id;
  world.reopen();
  const RunResult result =
      world.runtime->resume({}, "t", {.answers = {{id, Value("approve")}}, .answered_by = "ann"});
  REQUIRE(result.status == Status::done);
  world.reopen();
  const Value answers = world.runtime->ledger("t")->at("answers");
  REQUIRE(answers.items().size() == 1);
  const Value& given = answers.items()[0];
  CHECK(given.at("id") == Value(id));
  CHECK(given.at("node") == Value("go"));
  CHECK(given.at("kind") == Value("approval"));
  CHECK(given.at("answer").at("is") == Value("approve"));
  CHECK(given.at("answer").at("hash") == asked.interrupts[0].value.at("hash"));
  CHECK(given.at("by") == Value("ann"));
  CHECK(given.at("run") == Value(result.run));
  CHECK(given.at("time").is_text());
}

TEST_CASE("the superstep goes on where it stood when a run is resumed") {
  World world;
  (void)world.run(world.load(with(with(asking, "WHEN", "true"), "RISK", ""), four_tokens));
  world.reopen();
  CHECK(world.answer(R"("approve")").state.at("at") == Value(3));
}

TEST_CASE("a call that does not fit waits while open ones may return some of what they hold") {
  const std::string text = R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
budget: {tokens: TOKENS, on_exceed: fail}
state: {all: {type: list, reduce: append}}
nodes:
  a: {llm: {model: m, prompt: hi, schema: {all: list}, max_tokens: 60}}
  b: {llm: {model: m, prompt: hi, schema: {all: list}, max_tokens: 60}}
edges: [START -> a, START -> b, a & b -> END]
)";
  const std::string slow =
      R"({"json": {"all": []}, "usage": {"input": 10, "output": 20}, "delay_ms": 30})";
  // Each may take 70 and takes 30: both at once would not fit, one after the other does.
  World world;
  const std::string fitting = with(text, "TOKENS", "100");
  const RunResult result = world.run(world.load(fitting, slow));
  CHECK(result.status == Status::done);
  CHECK(result.tokens == 60);
  CHECK(result.reserved_peak == 100);
  const RunResult poor =
      world.run(world.load(with(fitting, "100", "99"), slow), "{}", {.thread = "poor"});
  REQUIRE(poor.status == Status::failed);
  CHECK(poor.error->kind == "budget");
  CHECK(poor.tokens == 30);
}

TEST_CASE("a run tells every kind of event that there is") {
  World world;
  std::set<std::string> types;
  RunOptions options{.on_event = [&](Event event) { types.insert(event.type); }};
  const std::string text = with(with(asking, "WHEN", "true"), "RISK", "");
  (void)world.run(world.load(with(text, "state:", "budget: {tokens: 500}\nstate:"), four_tokens),
                  "{}", options);
  (void)world.runtime->resume({}, "t", {.answer = Value("approve"), .on_event = [&](Event event) {
                                          types.insert(event.type);
                                        }});
  for (const char* type : {"run.started", "step.started", "task.started", "token", "model", "tool",
                           "task.finished", "step.finished", "interrupt", "budget", "run.finished"})
    CHECK_MESSAGE(types.contains(type), type);
}
