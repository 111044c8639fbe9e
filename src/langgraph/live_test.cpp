// Streams beyond those of one run: the custom stream, events, sub-agents, threads, the protocol.
#include "langgraph/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::langgraph::detail;
using agents::Value;

namespace {

constexpr const char* thread_id = "33333333-3333-4333-8333-333333333333";

std::string thread_path(const std::string& rest = "") {
  return std::string("/threads/") + thread_id + rest;
}

void create_thread(World& world) {
  world.get("POST", "/threads", fmt::format(R"({{"thread_id": "{}"}})", thread_id));
}

Value wait_for_run(World& world, const std::string& body) {
  return world.get("POST", thread_path("/runs/wait"), body);
}

std::vector<Value> data_of(const std::vector<StreamPart>& parts, const std::string& event) {
  std::vector<Value> found;
  for (const StreamPart& part : parts)
    if (part.event == event) found.push_back(part.data);
  return found;
}

/// "on_chain_start desk" and so on.
std::vector<std::string> spans_of(const std::vector<StreamPart>& parts) {
  std::vector<std::string> names;
  for (const Value& data : data_of(parts, "events"))
    names.push_back(data.at("event").text() + " " + data.at("name").text());
  return names;
}

constexpr const char* all_channels =
    R"({"channels": ["values", "updates", "messages", "tools", "lifecycle", "input",
                     "checkpoints", "tasks", "custom"]})";

}  // namespace

TEST_CASE("a node writes to the custom stream with the tool that only tells") {
  World world;
  const auto parts = world.stream("/runs/stream", R"({"assistant_id": "tells",
      "input": {"topic": "cats"}, "stream_mode": "custom"})");
  const auto told = data_of(parts, "custom");
  REQUIRE_FALSE(told.empty());
  CHECK(told[0] == value_of(R"({"name": "progress", "done": 1, "topic": "cats"})"));
  // Calls of other tools are told as they are; that of the telling tool is not told twice.
  std::vector<std::string> tools;
  for (const Value& data : told)
    if (data.at("type") == Value("tool")) tools.push_back(data.at("tool").text());
  CHECK(tools == std::vector<std::string>{"sum"});
}

TEST_CASE("events are spans within spans, of models, tools and nodes") {
  World world;
  const auto parts = world.stream("/runs/stream", R"({"assistant_id": "tells",
      "input": {"topic": "cats"}, "stream_mode": "events"})");
  CHECK(fmt::format("{}", fmt::join(spans_of(parts), ", ")) ==
        "on_chain_start tells, on_chain_start say, on_custom_event progress, on_chain_stream say, "
        "on_chain_end say, on_chain_start add, on_tool_start sum, on_tool_end sum, "
        "on_chain_stream add, on_chain_end add, on_chain_end tells");
  const auto spans = data_of(parts, "events");
  REQUIRE(spans.size() == 11);
  CHECK(spans[0].at("data").at("input") == value_of(R"({"topic": "cats"})"));
  CHECK(spans[6].at("parent_ids") == Value::list({spans[0].at("run_id"), spans[5].at("run_id")}));
  CHECK(spans[7].at("data").at("output") == Value(3));
  CHECK(spans[10].at("data").at("output").at("total") == Value(3));

  const auto talked = world.stream("/runs/stream", R"({"assistant_id": "desk",
      "input": {"topic": "cats"}, "stream_mode": "events"})");
  std::string said;
  for (const Value& data : data_of(talked, "events")) {
    if (data.at("event") == Value("on_chat_model_stream"))
      said += data.at("data").at("chunk").at("content").text();
    if (data.at("event") != Value("on_chat_model_end")) continue;
    CHECK(data.at("data").at("output").at("content") == Value("Hello there friend"));
    CHECK(data.at("name") == Value("m"));
  }
  CHECK(said == "Hello there friend");
  CHECK(spans_of(talked).back() == "on_chain_end desk");
}

TEST_CASE("events of sub-agents have the spans of all nodes around them") {
  World world;
  const auto spans = data_of(world.stream("/runs/stream", R"({"assistant_id": "outer",
      "input": {"topic": "x"}, "stream_mode": "events"})"),
                             "events");
  Value sub, first;
  for (const Value& span : spans) {
    if (span.at("name") == Value("sub")) sub = span;
    if (span.at("name") == Value("first")) first = span;
  }
  CHECK(first.at("parent_ids") == Value::list({spans[0].at("run_id"), sub.at("run_id")}));
}

TEST_CASE("a state tells where its sub-agents stand when it is asked to") {
  World world;
  create_thread(world);
  const Value stopped = wait_for_run(world, R"({"assistant_id": "deep", "input": {"topic": "x"}})");
  REQUIRE(stopped.at("__interrupt__").items().size() == 1);
  const Value plain = world.get("GET", thread_path("/state")).at("tasks").items().at(0);
  const std::string space = "sub:" + plain.at("id").text();
  CHECK(plain.at("state") == Value());
  CHECK(plain.at("checkpoint").at("checkpoint_ns") == Value(space));
  const Value task =
      world.get("GET", thread_path("/state?subgraphs=true")).at("tasks").items().at(0);
  CHECK(task.at("checkpoint") == Value());
  const Value inner = task.at("state");
  REQUIRE(inner.is_map());
  CHECK(inner.at("values").at("notes") == value_of(R"(["first x"])"));
  CHECK(inner.at("next") == value_of(R"(["ask"])"));
  CHECK(inner.at("checkpoint").at("checkpoint_ns") == Value(space));
  CHECK(inner.at("tasks").items().at(0).at("interrupts") ==
        world.get("GET", thread_path("/state")).at("interrupts"));
  const std::string body =
      fmt::format(R"({{"checkpoint": {{"checkpoint_ns": "{}"}}, "subgraphs": true}})", space);
  CHECK(world.get("POST", thread_path("/state/checkpoint"), body) == inner);
  CHECK(world
            .ask("POST", thread_path("/state/checkpoint"),
                 R"({"checkpoint": {"checkpoint_ns": "sub:nothing"}})")
            .status == 404);
  CHECK(
      world
          .ask("POST", thread_path("/state"),
               fmt::format(R"({{"values": {{}}, "checkpoint": {{"checkpoint_ns": "{}"}}}})", space))
          .status == 422);

  const auto parts = world.stream(thread_path("/runs/stream"),
                                  R"({"assistant_id": "deep", "command": {"resume": "yes"},
                                      "stream_mode": "updates", "stream_subgraphs": true})");
  CHECK(parts[1].event == "updates|" + space);
  CHECK(parts[1].data == value_of(R"({"ask": {"said": "yes"}})"));
  // It has ended: nothing stands there any more.
  CHECK(world.ask("POST", thread_path("/state/checkpoint"), body).status == 404);
}

TEST_CASE("several questions are answered by their ids, one after the other or together") {
  World world;
  create_thread(world);
  const Value stopped = wait_for_run(world, R"({"assistant_id": "two", "input": {"topic": "x"}})");
  const auto& open = stopped.at("__interrupt__").items();
  REQUIRE(open.size() == 2);
  const Answer vague = world.ask("POST", thread_path("/runs/wait"),
                                 R"({"assistant_id": "two", "command": {"resume": "which?"}})");
  CHECK(vague.status == 422);
  CHECK(vague.body.find(open[1].at("id").text()) != std::string::npos);
  const Value half = wait_for_run(
      world, fmt::format(R"({{"assistant_id": "two", "command": {{"resume": {{"{}": "one"}}}}}})",
                         open[0].at("id").text()));
  REQUIRE(half.at("__interrupt__").items().size() == 1);
  CHECK(half.at("__interrupt__").items()[0].at("id") == open[1].at("id"));
  const Value done = wait_for_run(
      world, fmt::format(R"({{"assistant_id": "two", "command": {{"resume": {{"{}": "two"}}}}}})",
                         open[1].at("id").text()));
  CHECK(done.at("a") == Value("one"));
  CHECK(done.at("b") == Value("two"));
}

TEST_CASE("a command's update may come in pairs") {
  World world;
  create_thread(world);
  wait_for_run(world, R"({"assistant_id": "outer", "input": {"topic": "x"}})");
  const Value after = wait_for_run(world, R"({"assistant_id": "outer", "command": {
      "update": [["topic", "y"], ["notes", ["pair"]]], "goto": "sub"}})");
  CHECK(after.at("topic") == Value("y"));
  CHECK(after.at("notes").items().back() == Value("second"));
  const Answer wrong = world.ask("POST", thread_path("/runs/wait"),
                                 R"({"assistant_id": "outer", "command": {"update": ["topic"]}})");
  CHECK(wrong.status == 422);
  CHECK(wrong.body.find("command.update") != std::string::npos);
}

TEST_CASE("checkpoints have the time at which they were made") {
  World world;
  create_thread(world);
  wait_for_run(world, R"({"assistant_id": "desk", "input": {"topic": "x"}})");
  const Value before = world.get("GET", thread_path("/state")).at("created_at");
  world.clock.advance(std::chrono::hours(1));
  wait_for_run(world, R"({"assistant_id": "desk", "command": {"resume": "yes"}})");
  const Value history = world.get("GET", thread_path("/history"));
  CHECK(history.items().back().at("created_at") == before);
  CHECK(history.items().front().at("created_at").text() > before.text());
  // Tasks of past supersteps tell what they gave.
  const Value& planned = history.items().at(4);
  CHECK(planned.at("next") == value_of(R"(["plan"])"));
  CHECK(planned.at("tasks").items().at(0).at("result") == value_of(R"({"notes": ["plan x"]})"));
}

TEST_CASE("a client may ask for parts of states") {
  World world;
  create_thread(world);
  wait_for_run(world, R"({"assistant_id": "outer", "input": {"topic": "x"}})");
  CHECK(world.get("GET", thread_path("/state?select=values.topic&select=next")) ==
        value_of(R"({"values": {"topic": "x"}, "next": []})"));
  const Value history = world.get("POST", thread_path("/history"),
                                  R"({"limit": 1, "select": ["values", "values.topic"]})");
  CHECK(history.items().at(0).at("values").at("notes").items().size() == 3);
  CHECK(history.items().at(0).find("metadata") == nullptr);
  CHECK(world.ask("GET", thread_path("/state?select=bogus")).status == 422);
}

TEST_CASE("the stream of a thread tells all its runs, from now on or from the beginning") {
  World world;
  create_thread(world);
  wait_for_run(world, R"({"assistant_id": "outer", "input": {"topic": "x"},
                          "stream_mode": "updates"})");
  const auto all =
      world.listen("GET", thread_path("/stream"), "", "run_done", {{"Last-Event-ID", "-"}});
  CHECK(names_of(all) == std::vector<std::string>{"metadata", "updates", "updates", "metadata"});
  CHECK(all.back().data.at("status") == Value("run_done"));
  const auto rest =
      world.listen("GET", thread_path("/stream"), "", "run_done", {{"Last-Event-ID", all[1].id}});
  CHECK(names_of(rest) == names_of({all.begin() + 2, all.end()}));
  const auto lives = world.listen("GET", thread_path("/stream?stream_mode=lifecycle"), "",
                                  "run_done", {{"Last-Event-ID", "-"}});
  CHECK(names_of(lives) == std::vector<std::string>{"metadata", "metadata"});
  CHECK(world.ask("GET", thread_path("/stream?stream_mode=bogus")).status == 422);
  CHECK(world.ask("GET", "/threads/44444444-3333-4333-8333-333333333333/stream").status == 404);
}

TEST_CASE("the protocol of version 3 begins runs, tells them in channels and takes answers") {
  World world;
  const Value begun = world.get("POST", thread_path("/commands"), R"({"id": 1,
      "method": "run.start", "params": {"assistant_id": "desk", "input": {"topic": "cats"}}})");
  CHECK(begun.at("type") == Value("success"));
  CHECK(begun.at("id") == Value(1));
  const std::string run = begun.at("result").at("run_id").text();
  const auto parts =
      world.listen("POST", thread_path("/stream/events"), all_channels, "\"interrupted\"");
  std::string said, interrupt;
  std::int64_t seq = 0;
  std::vector<std::string> lives;
  for (const StreamPart& part : parts) {
    CHECK(part.data.at("type") == Value("event"));
    CHECK(part.data.at("method") == Value(part.event));
    CHECK(part.data.at("seq").integer() > seq);
    seq = part.data.at("seq").integer();
    const Value& data = part.data.at("params").at("data");
    if (part.event == "lifecycle") {
      lives.push_back(data.at("event").text());
      CHECK(part.data.at("event_id").text().starts_with("synth:" + run + ":lc"));
    }
    if (data.at("event") == Value("content-block-delta"))
      said += data.at("delta").at("text").text();
    if (part.event == "input.requested") interrupt = data.at("interrupt_id").text();
  }
  CHECK(lives == std::vector<std::string>{"running", "interrupted"});
  CHECK(said == "Hello there friend");
  REQUIRE_FALSE(interrupt.empty());

  const auto respond = [&](const std::string& id) {
    return world.get("POST", thread_path("/commands"),
                     fmt::format(R"({{"id": 2, "method": "input.respond", "params": {{
                         "namespace": [], "interrupt_id": "{}", "response": "yes"}}}})",
                                 id));
  };
  CHECK(respond("nothing").at("error") == Value("no_such_interrupt"));
  CHECK(respond(interrupt).at("type") == Value("success"));
  const auto rest = world.listen(
      "POST", thread_path("/stream/events"),
      fmt::format(R"({{"channels": ["values", "lifecycle"], "since": {}}})", seq), "completed");
  REQUIRE(rest.size() >= 3);
  CHECK(rest.front().data.at("params").at("data").at("event") == Value("running"));
  CHECK(rest.back().data.at("params").at("data").at("event") == Value("completed"));
  CHECK(respond(interrupt).at("error") == Value("no_such_interrupt"));
}

TEST_CASE("sub-agents live in name spaces of the protocol, and channels choose among them") {
  World world;
  create_thread(world);
  wait_for_run(world, R"({"assistant_id": "deep", "input": {"topic": "x"}})");
  const auto parts = world.listen("POST", thread_path("/stream/events"), all_channels,
                                  "\"event\":\"interrupted\",\"graph_name\":\"deep\"");
  std::string inner;
  for (const StreamPart& part : parts) {
    const Value& params = part.data.at("params");
    if (params.at("namespace").items().empty()) continue;
    if (part.event == "input.requested") inner += " asks";
    if (part.event == "lifecycle") inner += " " + params.at("data").at("event").text();
  }
  CHECK(inner == " started asks interrupted");
  const auto chosen = world.listen("POST", thread_path("/stream/events"),
                                   R"({"channels": ["values", "lifecycle"],
                                       "namespaces": [["sub"]], "depth": 0})",
                                   "\"interrupted\"");
  REQUIRE_FALSE(chosen.empty());
  for (const StreamPart& part : chosen)
    CHECK(part.data.at("params").at("namespace").items().size() == 1);
}

TEST_CASE("what the protocol cannot do or read is refused in its words") {
  World world;
  const auto command = [&](const std::string& method, const std::string& params) {
    return world.get("POST", thread_path("/commands"),
                     fmt::format(R"({{"id": 7, "method": "{}", "params": {}}})", method, params));
  };
  CHECK(command("state.fork", "{}").at("error") == Value("unknown_command"));
  CHECK(command("run.start", "{}").at("error") == Value("invalid_argument"));
  const Value missing = command("run.start", R"({"assistant_id": "nobody", "input": {}})");
  CHECK(missing.at("type") == Value("error"));
  CHECK(missing.at("message").text().find("nobody") != std::string::npos);
  CHECK(world.ask("POST", thread_path("/commands"), R"({"method": "run.start"})").status == 422);
  for (const char* body :
       {"{}", R"({"channels": []})", R"({"channels": ["bogus"]})", R"({"channels": 7})",
        R"({"channels": ["values"], "depth": -1})", R"({"channels": ["values"], "since": "x"})",
        R"({"channels": ["values"], "namespaces": [7]})"})
    CHECK(world.ask("POST", thread_path("/stream/events"), body).status == 422);
  CHECK(world.ask("POST", "/threads/no-uuid/stream/events", all_channels).status == 422);
}

TEST_CASE("what only LangSmith could do is refused by name") {
  World world;
  const Answer answer = world.ask("POST", "/runs/wait", R"({"assistant_id": "outer",
      "input": {"topic": "x"}, "feedback_keys": ["k"]})");
  CHECK(answer.status == 422);
  CHECK(answer.body.find("feedback_keys") != std::string::npos);
}
