#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string scored = R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {score: number, advice: string, kind: string}
nodes:
  rate:
    llm:
      model: m
      prompt: "Rate it"
      max_tokens: 50
      schema: {score: {type: number, minimum: 0, maximum: 10}, advice: string}
edges: [START -> rate, rate -> END]
)y";

const std::string wrong_then_right =
    R"({"turn": 1, "text": "Here: {\"score\": 12}", "usage": {"input": 10, "output": 5}})"
    "\n"
    R"({"turn": 2, "contains": "$.score: 12 is out of range", )"
    R"("json": {"score": 8, "advice": "more"}, "usage": {"input": 30, "output": 7}})";

}  // namespace

TEST_CASE("a reply that does not fit its schema is asked for once more, with all that is wrong") {
  World world;
  const AgentPtr agent = world.load(scored, wrong_then_right);
  RunResult result = world.run(agent);
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.state == *parse_json(R"({"score": 8, "advice": "more"})"));
  CHECK(result.calls == 2);
  CHECK(result.tokens == 52);
  CHECK(result.starts->at("rate") == Value(1));
  const auto rows = world.runtime->ledger("t");
  REQUIRE(rows.ok());
  CHECK(rows->at("rows").items().size() == 2);
  const auto report = world.runtime->replay({}, result.run);
  REQUIRE(report.ok());
  CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
  world.reopen();
  const auto state = world.runtime->state("t");
  REQUIRE(state.ok());
  CHECK(state->at("usage").at("tokens") == Value(52));
}

TEST_CASE("a reply that does not fit either time fails with what is wrong, and a retry asks anew") {
  World world;
  const std::string bad = R"({"attempt": 1, "text": "I would say eight."})";
  const AgentPtr agent = world.load(scored, bad);
  RunResult result = world.run(agent);
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "schema");
  CHECK(result.error->message.find("no JSON") != std::string::npos);
  CHECK(result.calls == 2);
  const auto report = world.runtime->replay({}, result.run);
  REQUIRE(report.ok());
  CHECK(report->at("status") == Value("failed"));

  const AgentPtr again =
      world.load(with(scored, "edges:", "    retry: {max: 2, first: 1ms, on: [schema]}\nedges:"),
                 bad + "\n" + R"({"attempt": 2, "json": {"score": 3, "advice": "less"}})");
  result = world.run(again, "{}", {.thread = "u"});
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.calls == 3);
  CHECK(result.state.at("score") == Value(3));
}

TEST_CASE("the second call for a reply that fits is one of the budget") {
  World world;
  const AgentPtr agent =
      world.load(with(scored, "state:", "budget: {calls: 1}\nstate:"), wrong_then_right);
  const RunResult result = world.run(agent);
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "budget");
  CHECK(result.calls == 1);
}

TEST_CASE("what was paid for a reply that did not fit is not paid again after a stop") {
  World world;
  const AgentPtr agent = world.load(
      with(scored, "state:", "budget: {calls: 1, on_exceed: approve}\nstate:"), wrong_then_right);
  RunResult result = world.run(agent);
  REQUIRE(result.status == Status::interrupted);
  CHECK(result.interrupts[0].kind == "budget");
  world.reopen();
  result = world.answer(R"({"add": {"calls": 1}})");
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.calls == 2);
  CHECK(result.tokens == 52);
}

TEST_CASE("the last reply of an agent node is asked for once more too") {
  World world;
  const AgentPtr agent = world.load(
      R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
tools: {t: {command: [x], effect: idempotent}}
state: {n: int, log: {type: list, reduce: messages}}
nodes:
  think: {agent: {model: m, prompt: go, tools: [t], output: {n: int}, messages: log}}
edges: [START -> think, think -> END]
)",
      R"({"turn": 1, "tool_calls": [{"name": "t", "args": {}}]})"
      "\n"
      R"({"turn": 2, "json": {"n": "seven", "m": 1}})"
      "\n"
      R"({"turn": 3, "contains": "'m' is not allowed", "json": {"n": 7}})");
  const RunResult result = world.run(agent);
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.state.at("n") == Value(7));
  REQUIRE(result.state.at("log").items().size() == 4);  // What was said wrong is not kept.
  CHECK(result.state.at("log").items()[3].at("content") == Value(R"({"n":7})"));
  CHECK(world.runtime->replay({}, result.run)->at("ok") == Value(true));
}

TEST_CASE("a schema is checked as a whole: what it says beyond types too, and itself at load") {
  Schema schema;
  const auto loaded = [](const std::string& text) {
    return load_agent("v.yaml", with(scored, "{type: number, minimum: 0, maximum: 10}", text));
  };
  const LoadedAgent good = loaded("{type: string, pattern: '^[a-z]+$', minLength: 2}");
  REQUIRE(good.agent == nullptr);  // The key is a number.
  const LoadedAgent list =
      load_agent("v.yaml", with(with(scored, "score: {type: number, minimum: 0, maximum: 10}",
                                     "kind: {type: string, pattern: '^[a-z]+$', minLength: 2}"),
                                "advice: string}\nedges", "advice: string}\nedges"));
  REQUIRE_MESSAGE(list.ok(), list.error().message());
  const auto& body = std::get<LlmBody>(list.agent->nodes[0].body);
  CHECK(body.schema->faults(*parse_json(R"({"kind": "ab", "advice": ""})")).empty());
  CHECK(body.schema->faults(*parse_json(R"({"kind": "AB", "advice": ""})")).size() == 1);
  CHECK(body.schema->faults(*parse_json(R"({"kind": 1, "advice": 2, "x": 3})")).size() == 3);
  CHECK_FALSE(body.schema->check(*parse_json(R"({"kind": "a", "advice": ""})")).ok());

  const LoadedAgent unknown = loaded("{type: number, divisible: 3}");
  CHECK(unknown.ok());
  REQUIRE(!unknown.problems.empty());
  CHECK(unknown.problems[0].message.find("divisible") != std::string::npos);
  CHECK_FALSE(loaded("{type: number, minimum: low}").ok());
}
