// What tools are: something that is called with arguments and gives a value.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agents/graph.hpp"
#include "agents/run_place.hpp"
#include "core/context.hpp"
#include "models/usage.hpp"

namespace slipway::agents {

struct ToolCall {
  Value args;               ///< A map.
  std::string effect_key;   ///< The same whenever the same call is made again: SLIPWAY_EFFECT_KEY.
  std::string thread, run;  ///< Who calls, as followers know it; may be empty.
  RunPlacePtr place;        ///< Of that run; may be null.
  int attempt = 1;          ///< Of the task: with the key it names the call in traces.
};

/// What models consumed within a call of a tool, or can consume at most.
struct Spending {
  models::Usage usage;
  double usd = 0;
  bool is_priced = true;  ///< False: nobody knows what one of them costs.
  /// As budgets count them: what chat models read and wrote. What was embedded or reranked is paid
  /// for in dollars alone.
  std::int64_t tokens() const { return usage.input_tokens + usage.output_tokens; }
};

struct ToolResult {
  std::optional<Value> value;  ///< Absent: it failed.
  Failure failure;
  /// The call may have had its effect all the same: the connection broke, the time was over.
  bool is_unknown = false;
  /// Of models that it asked; absent: of none, or nobody knows.
  std::optional<Spending> spent = {};

  static ToolResult done(Value value) { return {.value = std::move(value)}; }
  /// Surely without an effect.
  static ToolResult failed(Failure failure) { return {.failure = std::move(failure)}; }
  static ToolResult unknown(Failure failure) {
    return {.failure = std::move(failure), .is_unknown = true};
  }
};

/// Safe to use from many threads.
class Tool {
 public:
  virtual ~Tool() = default;
  virtual ToolResult call(const Context& context, const ToolCall& call) = 0;
  /// What the models that it asks can consume at most in this call, asked before it is made;
  /// nothing: it asks none. Fails as the call would.
  virtual Outcome<std::optional<Spending>> most(const Context&, const ToolCall&) {
    return std::optional<Spending>();
  }
  /// JSON Schema of its arguments, where it knows them better than the file; else null.
  virtual Value parameters() const { return {}; }
  virtual std::string description() const { return ""; }
};

/// Passages and answers of collections, for `rag` nodes and tools. `args` of the calls are
/// {collection, question, filter?}. Safe to call from many threads.
struct Collections {
  std::function<ToolResult(const Context&, const RagBody&, const ToolCall&)> ask;
  /// As `Tool::most`; empty: nothing is paid for.
  std::function<Outcome<Spending>(const Context&, const RagBody&, const ToolCall&)> most;
  explicit operator bool() const { return ask != nullptr; }
};
/// One question to them as a tool; `collections.ask` is there.
std::shared_ptr<Tool> question_tool(Collections collections, RagBody body);

/// Makes a tool from its declaration. Fails: invalid_argument, unavailable, unsupported.
using ToolFactory = std::function<Result<std::shared_ptr<Tool>>(const ToolSpec& spec)>;

/// By kind: "http", "sql" ...; `builtin` is there from the start.
class ToolRegistry {
 public:
  ToolRegistry();
  void add(std::string kind, ToolFactory factory) {
    factories_[std::move(kind)] = std::move(factory);
  }
  /// Fails: unsupported (no factory of that kind), and as the factory.
  Result<std::shared_ptr<Tool>> make(const ToolSpec& spec) const;

 private:
  std::map<std::string, ToolFactory> factories_;
};

}  // namespace slipway::agents
