// A research agent: plans, searches, collects facts, drafts, criticises itself, and publishes when
// a person approves: `./research` asks, `./research approve` goes through.
#include <iostream>

#include "agents/builder.hpp"
#include "agents/runtime.hpp"
using namespace slipway;
using namespace slipway::agents;

struct Research {
  std::string question;
  std::vector<std::string> queries, pages, facts;
  std::string report, advice;
  double score = 0;
  json::Value post;
};
BOOST_DESCRIBE_STRUCT(Research, (), (question, queries, pages, facts, report, advice, score, post))

constexpr const char* replies = R"(
{"node": "plan", "json": {"queries": ["harbour hours", "harbour fees"]}}
{"node": "extract", "contains": "hours", "json": {"facts": ["opens at seven"]}}
{"node": "extract", "contains": "fees", "json": {"facts": ["two euros a metre"]}}
{"node": "draft", "visit": 1, "text": "It opens at seven."}
{"node": "draft", "text": "It opens at seven and takes two euros a metre."}
{"node": "critique", "visit": 1, "json": {"score": 5, "advice": "name the fees"}}
{"node": "critique", "json": {"score": 9, "advice": ""}}
)";

/// Stands for the web: returns pages, and takes what is published.
class Web final : public Tool {
 public:
  ToolResult call(const Context&, const ToolCall& call) override {
    if (call.args.find("body") != nullptr) return ToolResult::done(Value::map({{"id", 1}}));
    return ToolResult::done(Value("A page on " + in_words(call.args.at("query"))));
  }
};

Result<AgentPtr> research() {
  const auto llm = [](json::Object body) {
    body["model"] = "m";
    return json::Object{{"llm", std::move(body)}};
  };
  const json::Value tools = TRY(json::parse(R"({
    "web": {"http": {"url": "https://search.example/?q={{query}}"}, "effect": "pure"},
    "publish": {"http": {"method": "POST", "url": "https://cms.example/posts", "body": "{{body}}"},
                "effect": "at_most_once", "risk": "high"}})"));
  const json::Value search = TRY(json::parse(R"({"map": {"each": "queries", "as": "q",
    "do": {"tool": {"use": "web", "args": {"query": "{{q}}"}}}, "into": "pages"}})"));
  const json::Value release = TRY(json::parse(R"({
    "tool": {"use": "publish", "args": {"body": "{{report}}"}, "into": "post"},
    "approve": {"ask": "Publish? {{report}}"}})"));
  return GraphBuilder<Research>("research")
      .with("models", json::Object{{"m", "scripted"}})
      .with("tools", tools)
      .reduce("facts", "append")
      .node("plan", llm({{"prompt", "Search queries for: {{question}}"},
                         {"schema", {{"queries", "list"}}}}))
      .node("search", search.as_object())
      .node("extract", llm({{"prompt", "Facts in: {{page}}"}, {"schema", {{"facts", "list"}}}}))
      .node("draft",
            llm({{"prompt", "Report from {{facts}}. Mend: {{advice}}"}, {"into", "report"}}))
      .node("critique", llm({{"prompt", "Rate 0-10 and advise: {{report}}"},
                             {"schema", {{"score", "number"}, {"advice", "string"}}}}))
      .node("release", release.as_object())
      .edge("START", "plan")
      .edge("plan", "search")
      .edge("search", "extract",
            json::Object{{"each", "pages"}, {"as", "page"}, {"empty", "draft"}})
      .edge("extract", "draft")
      .edge("draft", "critique")
      .edge("critique", "draft", [](const Research& r) { return r.score < 8; })
      .otherwise("critique", "release")
      .edge("release", "END")
      .edge("release", "END", json::Object{{"on", json::Array{"rejected"}}})
      .build();
}

int main(int count, char** words) {
  const auto agent = research();
  if (!agent) return std::cerr << agent.error().message() << "\n", 1;
  Runtime::Options options;
  options.open_model = [](const ModelSpec&) { return make_scripted_model(replies); };
  options.tools.add("http", [](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
    return std::shared_ptr<Tool>(std::make_shared<Web>());
  });
  const auto runtime = Runtime::open(std::move(options));
  if (!runtime) return std::cerr << runtime.error().message() << "\n", 1;
  const Value question = Value::map({{"question", "When does the harbour open?"}});
  RunResult result = (*runtime)->run({}, *agent, question, {.thread = "one"});
  if (count > 1) result = (*runtime)->resume({}, "one", {.answer = Value(words[1])});
  std::cout << dump(result.json()) << "\n";
  return result.status == Status::failed ? 1 : 0;
}
