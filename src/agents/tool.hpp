// What tools are: something that is called with arguments and gives a value.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agents/graph.hpp"
#include "core/context.hpp"

namespace slipway::agents {

struct ToolCall {
  Value args;              ///< A map.
  std::string effect_key;  ///< The same whenever the same call is made again: SLIPWAY_EFFECT_KEY.
};

struct ToolResult {
  std::optional<Value> value;  ///< Absent: it failed.
  Failure failure;
  /// The call may have had its effect all the same: the connection broke, the time was over.
  bool is_unknown = false;

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
  /// JSON Schema of its arguments, where it knows them better than the file; else null.
  virtual Value parameters() const { return {}; }
  virtual std::string description() const { return ""; }
};

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
