// A model that uses tools until it knows the answer: `./react "What do 17 lamps cost?"`.
// The model is scripted, so it runs anywhere; another one is named in `models` and opened by
// agents/chat_model.hpp.
#include <iostream>

#include "agents/builder.hpp"
#include "agents/runtime.hpp"
using namespace slipway;
using namespace slipway::agents;

struct Question {
  std::string question, answer;
};
BOOST_DESCRIBE_STRUCT(Question, (), (question, answer))

constexpr const char* replies = R"(
{"turn": 1, "contains": "lamps", "tool_calls": [{"name": "price", "args": {"of": "lamp"}}]}
{"turn": 2, "tool_calls": [{"name": "calculator", "args": {"expression": "17 * 24"}}]}
{"turn": 3, "text": "17 lamps cost 408 euros."}
{"text": "I only know what lamps cost."}
)";

/// A tool of one's own: what it returns is data, and tainted.
class Prices final : public Tool {
 public:
  ToolResult call(const Context&, const ToolCall& call) override {
    if (call.args.at("of") == Value("lamp")) return ToolResult::done(Value::map({{"euros", 24}}));
    return ToolResult::failed({"tool", "there is no price of that"});
  }
};

Result<int> answer(const std::string& question) {
  const AgentPtr agent =
      TRY(GraphBuilder<Question>("shop")
              .with("models", json::Object{{"m", "scripted"}})
              .with("tools", json::Object{{"calculator", {{"builtin", "calculator"}}},
                                          {"price",
                                           {{"command", json::Array{"prices"}},
                                            {"effect", "pure"},
                                            {"schema", {{"of", "string"}}}}}})
              .node("work", {{"agent",
                              {{"model", "m"},
                               {"prompt", "{{question}}"},
                               {"tools", json::Array{"price", "calculator"}},
                               {"into", "answer"}}}})
              .edge("START", "work")
              .edge("work", "END")
              .build());
  Runtime::Options options;
  options.open_model = [](const ModelSpec&) { return make_scripted_model(replies); };
  options.tools.add("command", [](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
    return std::shared_ptr<Tool>(std::make_shared<Prices>());
  });
  const auto runtime = TRY(Runtime::open(std::move(options)));
  const RunResult result =
      runtime->run({}, agent, Value::map({{"question", question}}), {.thread = "one"});
  std::cout << dump(result.json()) << "\n";
  return result.status == Status::done ? 0 : 1;
}

int main(int count, char** words) {
  const auto done = answer(count > 1 ? words[1] : "What do 17 lamps cost?");
  return done ? *done : (std::cerr << done.error().message() << "\n", 1);
}
