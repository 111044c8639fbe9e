#include "agents/builder.hpp"

#include <doctest/doctest.h>

#include "agents/runtime.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

struct Draft {
  std::string topic, text;
  int rounds = 0;
  std::vector<std::string> log;
  std::optional<bool> ok;
};
BOOST_DESCRIBE_STRUCT(Draft, (), (topic, text, rounds, log, ok))

}  // namespace

TEST_CASE("a graph is built from a struct and lambdas, and runs as one from YAML does") {
  const auto agent = GraphBuilder<Draft>("draft")
                         .reduce("log", "append")
                         .node("write",
                               [](Draft& d) {
                                 d.text =
                                     d.topic + std::string(static_cast<std::size_t>(d.rounds), '!');
                                 d.log.push_back(d.text);
                                 ++d.rounds;
                               })
                         .node("ask", {{"human", {{"ask", "Send {{text}}?"}, {"into", "ok"}}}})
                         .edge("START", "write")
                         .edge("write", "write", [](const Draft& d) { return d.rounds < 3; })
                         .otherwise("write", "ask")
                         .edge("ask", "END")
                         .build();
  const std::string why = agent ? "" : agent.error().message();
  REQUIRE_MESSAGE(agent.ok(), why);
  const auto runtime = *Runtime::open({});
  RunResult result =
      runtime->run({}, *agent, *parse_json(R"({"topic": "hi"})"), {.thread = "t", .trace = true});
  REQUIRE(result.status == Status::interrupted);
  CHECK(result.interrupts[0].value == Value("Send hi!!?"));
  CHECK(result.steps->size() == 3);
  result = runtime->resume({}, "t", {.answer = Value(true)});
  CHECK(result.status == Status::done);
  CHECK(result.state == *parse_json(
                            R"({"topic": "hi", "text": "hi!!", "rounds": 3, "ok": true,
                                "log": ["hi", "hi!", "hi!!"]})"));
}

TEST_CASE("an agent that was built is gone with its last owner") {
  std::weak_ptr<const Agent> seen;
  {
    const auto agent = GraphBuilder<Draft>("draft")
                           .node("write", [](Draft& d) { ++d.rounds; })
                           .edge("START", "write")
                           .edge("write", "write", [](const Draft& d) { return d.rounds < 3; })
                           .otherwise("write", "END")
                           .build();
    REQUIRE(agent.ok());
    seen = *agent;
  }
  CHECK(seen.expired());
}

TEST_CASE("errors of lambdas fail their node with the kind of their code; edges may handle it") {
  struct Local {};
  const auto agent =
      GraphBuilder<Draft>("draft")
          .node("try", [](Draft&) -> Result<void> { return fail(Code::unavailable, "no line"); })
          .node("mend", [](Draft& d) { d.text = "mended"; })
          .edge("START", "try")
          .edge("try", "END")
          .edge("try", "mend", {{"on", json::Array{"network"}}})
          .edge("mend", "END")
          .build();
  REQUIRE(agent.ok());
  const auto runtime = *Runtime::open({});
  const RunResult result = runtime->run({}, *agent, Value::map(), {});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("text") == Value("mended"));
}

TEST_CASE("a graph that is wrong is told as a whole") {
  const auto agent = GraphBuilder<Draft>("draft")
                         .node("a", [](Draft&) {})
                         .edge("START", "b")
                         .edge("a", "END")
                         .build();
  REQUIRE(!agent.ok());
  CHECK(agent.error().message().find("'b' is no node") != std::string::npos);
}

TEST_CASE("a lambda tells followers how it goes while it runs") {
  const auto agent = GraphBuilder<Draft>("draft")
                         .node("write",
                               [](Draft& d, const FunctionCall& call) {
                                 call.emit(*parse_json(R"({"done": 1})"));
                                 d.text = "x";
                                 call.emit(Value("half"));
                               })
                         .edge("START", "write")
                         .edge("write", "END")
                         .build();
  REQUIRE(agent.ok());
  const auto runtime = *Runtime::open({});
  std::vector<Value> told;
  std::vector<std::string> types;
  const auto listen = [&](const Event& event) {
    types.push_back(event.type);
    if (event.type != "custom") return;
    CHECK(event.data.at("node") == Value("write"));
    told.push_back(event.data.at("value"));
  };
  CHECK(runtime->run({}, *agent, *parse_json("{}"), {.thread = "t", .on_event = listen}).status ==
        Status::done);
  CHECK(told == std::vector<Value>{*parse_json(R"({"done": 1})"), Value("half")});
  CHECK(types.back() == "run.finished");
  // Nobody listens: that is no fault.
  CHECK(runtime->run({}, *agent, *parse_json("{}"), {.thread = "u"}).status == Status::done);
}
