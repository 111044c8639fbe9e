#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

const std::string asking = R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {x: string, text: string, ok: any, log: {type: list, reduce: append}}
nodes:
  write:
    llm: {model: m, prompt: "About {{x}}", into: text}
    retry: {max: 3, first: 1ms, on: [any]}
  ask: {human: {ask: "{{text}}?", into: ok}}
  note: {set: {log: "attempt == 1 && ok == 'twice' ? fail('once more') : [text, ok]"}}
edges: [START -> write, write -> ask, ask -> note, note -> END]
)y";

AgentPtr load(const detail::Scratch& scratch, const std::string& yaml) {
  REQUIRE(write_file_atomically(scratch.path() / "agent.yaml", yaml).ok());
  const LoadedAgent loaded = load_agent_file((scratch.path() / "agent.yaml").string());
  const std::string why = loaded.ok() ? "" : loaded.error().message();
  REQUIRE_MESSAGE(loaded.ok(), why);
  return loaded.agent;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a run is replayed from its records, calls nothing, and a changed graph is compared") {
  const detail::Scratch scratch;
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl",
                                "{\"attempt\": 1, \"error\": \"network\"}\n{\"text\": \"cats\"}\n")
              .ok());
  auto runtime = *Runtime::open({.data = scratch.path() / "data"});
  const AgentPtr agent = load(scratch, asking);
  (void)runtime->run({}, agent, *parse_json(R"({"x": "pets"})"), {.thread = "t", .run = "r1"});
  RunResult result = runtime->resume({}, "t", {.answer = Value("twice")});
  CHECK(result.status == Status::failed);
  result = runtime->resume({}, "t", {});
  REQUIRE(result.status == Status::done);
  // The model is no longer there.
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", "{\"text\": \"dogs\"}\n").ok());
  runtime.reset();
  runtime = *Runtime::open({.data = scratch.path() / "data"});
  auto report = runtime->replay({}, "r1");
  REQUIRE(report.ok());
  CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
  CHECK(report->at("state") == result.state);
  CHECK(report->at("steps") == Value(3));

  report = runtime->replay({}, "r1", load(scratch, with(asking, "[text, ok]", "[ok, text]")));
  REQUIRE(report.ok());
  CHECK(report->at("ok") == Value(false));
  CHECK(report->at("first_difference").at("step") == Value(3));
  CHECK(report->at("first_difference").at("keys") == Value::list({"log"}));

  report = runtime->replay({}, "r1", load(scratch, with(asking, "About", "Tell of")));
  REQUIRE(report.ok());
  CHECK(report->at("needs").at("node") == Value("write"));
  CHECK(report->at("steps") == Value(0));
  CHECK(!runtime->replay({}, "nothing").ok());
}

TEST_CASE("mapped sub-agents are replayed each from its own calls") {
  const detail::Scratch scratch;
  REQUIRE(write_file_atomically(scratch.path() / "r.jsonl",
                                "{\"index\": 1, \"text\": \"one\"}\n{\"text\": \"other\"}\n")
              .ok());
  REQUIRE(write_file_atomically(scratch.path() / "sub.yaml", R"(name: sub
models: {m: {provider: scripted, replies: r.jsonl}}
state: {q: any, a: string}
nodes: {say: {llm: {model: m, prompt: "About {{q}}", into: a}}}
edges: [START -> say, say -> END]
)")
              .ok());
  auto runtime = *Runtime::open({.data = scratch.path() / "data"});
  const AgentPtr agent = load(scratch, R"(name: v
state: {xs: list, out: {type: list, reduce: append}}
nodes:
  s: {set: {out: "['begin']"}}
  g: {graph: {agent: sub.yaml, input: {q: x}, output: {out: "[result.a]"}}}
edges:
  - START -> s
  - s -> g: {each: xs, as: x, empty: END}
  - g -> END
)");
  const RunResult result =
      runtime->run({}, agent, *parse_json(R"({"xs": [1, 2, 3]})"), {.thread = "t", .run = "r1"});
  CHECK(result.state.at("out") == *parse_json(R"(["begin", "other", "one", "other"])"));
  const auto report = runtime->replay({}, "r1");
  REQUIRE(report.ok());
  CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
}

TEST_CASE("a later run of a thread is replayed as it was: visits count from the first") {
  detail::World world;
  const AgentPtr agent = world.load(R"(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {q: string, a: string}
nodes: {say: {llm: {model: m, prompt: "{{q}}", into: a}}}
edges: [START -> say, say -> END]
)",
                                    R"({"visit": 2, "text": "second"})"
                                    "\n"
                                    R"({"text": "first"})");
  for (const char* const said : {"first", "second", "first"}) {
    const RunResult result = world.run(agent, R"({"q": "x"})");
    CHECK(result.state.at("a") == Value(said));
    const auto report = world.runtime->replay({}, result.run);
    REQUIRE(report.ok());
    CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
  }
}
