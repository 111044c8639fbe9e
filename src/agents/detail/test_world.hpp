// A runtime on a disk of its own, a tool that does what it is told, agents for tests.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "agents/detail/scratch.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

/// Counts its calls; does what it is told.
class FakeTool final : public Tool {
 public:
  std::atomic<int> calls{0};
  std::string last_key;
  std::function<ToolResult(int call, const Value& args)> act = [](int, const Value& args) {
    return ToolResult::done(args);
  };
  ToolResult call(const Context&, const ToolCall& call) override {
    last_key = call.effect_key;
    return act(++calls, call.args);
  }
  std::optional<Spending> can_spend;
  Outcome<std::optional<Spending>> most(const Context&, const ToolCall&) override {
    return can_spend;
  }
};

struct World {
  Scratch scratch;
  FakeClock clock;
  std::shared_ptr<FakeTool> tool = std::make_shared<FakeTool>();
  Collections rag;
  std::unique_ptr<Runtime> runtime;
  bool is_durable = true;

  explicit World(bool durable = true) : is_durable(durable) { reopen(); }
  void reopen() {
    runtime.reset();
    Runtime::Options options{.rag = rag, .clock = clock};
    if (is_durable) options.data = scratch.path() / "data";
    options.tools.add("command", [this](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
      return std::shared_ptr<Tool>(tool);
    });
    auto opened = Runtime::open(std::move(options));
    REQUIRE(opened.ok());
    runtime = *std::move(opened);
  }
  AgentPtr load(const std::string& yaml, const std::string& replies = "") {
    REQUIRE(write_file_atomically(scratch.path() / "agent.yaml", yaml).ok());
    REQUIRE(write_file_atomically(scratch.path() / "r.jsonl", replies).ok());
    const LoadedAgent loaded = load_agent_file((scratch.path() / "agent.yaml").string());
    const std::string why = loaded.ok() ? "" : loaded.error().message();
    REQUIRE_MESSAGE(loaded.ok(), why);
    return loaded.agent;
  }
  RunResult run(const AgentPtr& agent, const std::string& input = "{}", RunOptions options = {}) {
    if (options.thread.empty()) options.thread = "t";
    options.trace = true;
    return runtime->run({}, agent, *parse_json(input), options);
  }
  RunResult answer(const std::string& json) {
    return runtime->resume({}, "t", {.answer = *parse_json(json), .trace = true});
  }
};

inline const std::string publishing = R"(name: v
state: {x: any, err: any, done: any}
tools: {pub: {command: [x], effect: EFFECT, risk: high}}
nodes:
  go:
    tool: {use: pub, args: {body: "{{x}}", n: 1}, into: done}
    approve: {ask: "Publish {{args.body}}?"}
  no: {set: {x: err.kind}}
edges:
  - START -> go
  - go -> END
  - go -> no: {on: [rejected], into: err}
  - no -> END
)";

inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline const std::string mapped = R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {xs: list, got: list, end: any}
budget: {tokens: 100, on_exceed: HOW}
nodes:
  all:
    map: {each: xs, as: q, do: {llm: {model: m, prompt: "{{q}}", max_tokens: 20}}, into: got,
          parallel: 1}
  fin: {set: {end: "size(got)"
}
}
edges: [START -> all, all -> fin, fin -> END]
)y";
inline const std::string four_tokens = R"({"text": "ok", "usage": {"input": 10, "output": 20}})";

}  // namespace slipway::agents::detail
