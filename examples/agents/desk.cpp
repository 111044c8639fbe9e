// An orchestrator that splits a task, a researcher for each part at once, a writer, and a reviewer
// who sends the text back until it is good, three times at most.
#include <iostream>

#include "agents/builder.hpp"
#include "agents/runtime.hpp"
using namespace slipway;
using namespace slipway::agents;

struct Desk {
  std::string task;
  std::vector<std::string> topics, notes;
  std::string text, verdict;
  int rounds = 0;
};
BOOST_DESCRIBE_STRUCT(Desk, (), (task, topics, notes, text, verdict, rounds))

constexpr const char* replies = R"(
{"node": "orchestrator", "json": {"topics": ["tides", "berths", "fees"]}}
{"node": "researcher", "contains": "tides", "json": {"notes": ["High water is at noon."]}}
{"node": "researcher", "contains": "berths", "json": {"notes": ["Forty berths, by arrival."]}}
{"node": "researcher", "contains": "fees", "json": {"notes": ["Two euros a metre."]}}
{"node": "writer", "visit": 1, "text": "The harbour has forty berths."}
{"node": "writer", "text": "Forty berths at two euros a metre; come in at noon."}
{"node": "reviewer", "visit": 1, "json": {"verdict": "name the fee"}}
{"node": "reviewer", "json": {"verdict": "accept"}}
)";

json::Object llm(const char* prompt, json::Object more) {
  more["model"] = "m";
  more["prompt"] = prompt;
  return {{"llm", std::move(more)}};
}

Result<int> work(const std::string& task) {
  const AgentPtr agent = TRY(
      GraphBuilder<Desk>("desk")
          .with("models", json::Object{{"m", "scripted"}})
          .with("budget", json::Object{{"tokens", 100'000}, {"on_exceed", "fail"}})
          .reduce("notes", "append")
          .node("orchestrator",
                llm("Split into topics: {{task}}", {{"schema", {{"topics", "list"}}}}))
          .node("researcher", llm("What is known of {{topic}}?", {{"schema", {{"notes", "list"}}}}))
          .node("writer", llm("{{task}}, from {{notes}}. Mend: {{verdict}}", {{"into", "text"}}))
          .node("count", [](Desk& desk) { ++desk.rounds; })
          .node("reviewer", llm("Accept, or say what is missing: {{text}}",
                                {{"schema", {{"verdict", "string"}}}}))
          .edge("START", "orchestrator")
          .edge("orchestrator", "researcher",
                json::Object{{"each", "topics"}, {"as", "topic"}, {"empty", "writer"}})
          .edge("researcher", "writer")
          .edge("writer", "count")
          .edge("count", "reviewer")
          .edge("reviewer", "writer",
                [](const Desk& desk) { return desk.verdict != "accept" && desk.rounds < 3; })
          .otherwise("reviewer", "END")
          .build());
  Runtime::Options options;
  options.open_model = [](const ModelSpec&) { return make_scripted_model(replies); };
  const auto runtime = TRY(Runtime::open(std::move(options)));
  const RunResult result = runtime->run({}, agent, Value::map({{"task", task}}), {.thread = "one"});
  std::cout << dump(result.json()) << "\n";
  return result.status == Status::done ? 0 : 1;
}

int main(int count, char** words) {
  const auto done = work(count > 1 ? words[1] : "A leaflet for guests of the harbour");
  return done ? *done : (std::cerr << done.error().message() << "\n", 1);
}
