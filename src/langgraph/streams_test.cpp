#include "langgraph/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;
using agents::Value;

namespace {

constexpr const char* thread_id = "22222222-2222-4222-8222-222222222222";

std::string thread_path(const std::string& rest = "") {
  return std::string("/threads/") + thread_id + rest;
}

void create_thread(World& world) {
  world.get("POST", "/threads", fmt::format(R"({{"thread_id": "{}"}})", thread_id));
}

}  // namespace

TEST_CASE("all stream modes tell one run, as LangGraph's server does") {
  World world;
  create_thread(world);
  const auto parts = world.stream(thread_path("/runs/stream"), R"({"assistant_id": "desk",
    "input": {"topic": "cats"}, "stream_resumable": true, "stream_mode": ["values", "updates",
    "messages-tuple", "tasks", "checkpoints", "debug", "custom"]})");
  std::vector<std::string> names;
  for (const StreamPart& part : parts)
    if (part.event != "messages" && part.event != "custom") names.push_back(part.event);
  CHECK(names ==
        std::vector<std::string>{
            "metadata",    "checkpoints", "debug",       "values", "checkpoints", "debug",  // input
            "tasks",       "debug",       "updates",     "tasks",  "debug",       "values",  // plan
            "checkpoints", "debug",       "tasks",       "debug",  "updates",     "tasks",   // talk
            "debug",       "values",      "checkpoints", "debug",  "tasks",       "debug",   // ask
            "updates",     "values",      "tasks",       "debug"});
  std::string said;
  std::vector<Value> updates, steps;
  for (const StreamPart& part : parts) {
    if (part.event == "messages") {
      CHECK(part.data.items()[0].at("type") == Value("AIMessageChunk"));
      CHECK(part.data.items()[1].at("langgraph_node") == Value("talk"));
      CHECK(part.data.items()[1].at("langgraph_step") == Value(2));
      said += part.data.items()[0].at("content").text();
    }
    if (part.event == "updates") updates.push_back(part.data);
    if (part.event == "checkpoints") steps.push_back(part.data.at("metadata").at("step"));
    CHECK_FALSE(part.id.empty());
  }
  CHECK(said == "Hello there friend");
  CHECK(steps == std::vector<Value>{-1, 0, 1, 2});
  REQUIRE(updates.size() == 3);
  CHECK(updates[0] == value_of(R"({"plan": {"notes": ["plan cats"]}})"));
  CHECK(updates[2].at("__interrupt__").items().size() == 1);
  CHECK(updates[2].at("__interrupt__").items()[0].at("value").at("ask") == Value());
}

TEST_CASE("an interrupted run is a success, its thread is interrupted, an answer goes on") {
  World world;
  create_thread(world);
  const Value stopped = world.get("POST", thread_path("/runs/wait"),
                                  R"({"assistant_id": "desk", "input": {"topic": "cats"}})");
  REQUIRE(stopped.at("__interrupt__").items().size() == 1);
  CHECK(world.get("GET", thread_path()).at("status") == Value("interrupted"));
  const Value runs = world.get("GET", thread_path("/runs"));
  REQUIRE(runs.items().size() == 1);
  CHECK(runs.items()[0].at("status") == Value("success"));
  const Value state = world.get("GET", thread_path("/state"));
  CHECK(state.at("next") == value_of(R"(["ask"])"));
  REQUIRE(state.at("tasks").items().size() == 1);
  CHECK(state.at("tasks").items()[0].at("interrupts").items().size() == 1);
  CHECK(world.get("GET", thread_path())
            .at("interrupts")
            .find(state.at("tasks").items()[0].at("id").text()) != nullptr);

  const auto parts = world.stream(thread_path("/runs/stream"),
                                  R"({"assistant_id": "desk", "command": {"resume": "fine"},
                                      "stream_mode": ["updates", "values"]})");
  CHECK(names_of(parts) ==
        std::vector<std::string>{"metadata", "values", "updates", "values", "updates", "values"});
  CHECK(parts[2].data == value_of(R"({"ask": {"verdict": "fine"}})"));
  CHECK(world.get("GET", thread_path()).at("status") == Value("idle"));
  CHECK(world.get("GET", thread_path("/state")).at("metadata").at("step") == Value(4));
}

TEST_CASE("a failed run ends its stream with an error, and waiting tells it") {
  World world;
  create_thread(world);
  const auto parts = world.stream(thread_path("/runs/stream"),
                                  R"({"assistant_id": "fails", "input": {"topic": "x"}})");
  REQUIRE_FALSE(parts.empty());
  CHECK(parts.back().event == "error");
  CHECK(parts.back().data == value_of(R"({"error": "failed", "message": "bad topic"})"));
  const Value waited = world.get("POST", thread_path("/runs/wait"),
                                 R"({"assistant_id": "fails", "input": {"topic": "x"}})");
  CHECK(waited.at("__error__").at("message") == Value("bad topic"));
  CHECK(world.get("GET", thread_path()).at("status") == Value("error"));
  CHECK(world.get("GET", thread_path("/runs")).items()[0].at("status") == Value("error"));
}

TEST_CASE("sub-agents are told with their name space when they are asked for") {
  World world;
  create_thread(world);
  const std::string body =
      R"({"assistant_id": "outer", "input": {"topic": "x"}, "stream_mode": ["updates", "values"])";
  const auto parts =
      world.stream(thread_path("/runs/stream"), body + R"(, "stream_subgraphs": true})");
  std::vector<std::string> inner;
  for (const StreamPart& part : parts)
    if (part.event.find("|sub:") != std::string::npos)
      inner.push_back(part.event.substr(0, part.event.find('|')));
  CHECK(inner == std::vector<std::string>{"values", "updates", "values", "updates", "values"});
  for (const auto& name : names_of(world.stream(thread_path("/runs/stream"), body + "}")))
    CHECK(name.find('|') == std::string::npos);
}

TEST_CASE("a stream goes on after the last event that its client has seen") {
  World world;
  create_thread(world);
  const auto all = world.stream(thread_path("/runs/stream"),
                                R"({"assistant_id": "desk", "input": {"topic": "cats"},
                                    "stream_mode": ["updates", "values"]})");
  REQUIRE(all.size() > 4);
  const std::string run = world.get("GET", thread_path("/runs")).items()[0].at("run_id").text();
  const auto rest = World::parts(
      world.ask("GET", thread_path("/runs/" + run + "/stream"), "", {{"Last-Event-ID", all[3].id}})
          .body);
  CHECK(names_of(rest) == names_of({all.begin() + 4, all.end()}));
  CHECK(world.ask("GET", thread_path("/runs/" + run + "/stream"), "", {{"Last-Event-ID", "x"}})
            .status == 422);
}

TEST_CASE("messages are told whole, with what is known of them first") {
  World world;
  create_thread(world);
  const auto parts = world.stream(thread_path("/runs/stream"),
                                  R"({"assistant_id": "desk", "input": {"topic": "cats"},
                                      "stream_mode": "messages"})");
  REQUIRE(parts.size() >= 3);
  CHECK(parts[1].event == "messages/metadata");
  CHECK(parts.back().event == "messages/partial");
  CHECK(parts.back().data.items()[0].at("content") == Value("Hello there friend"));
  CHECK(parts.back().data.items()[0].at("type") == Value("ai"));
}
