#include "agents/tool.hpp"

#include "core/clock.hpp"

namespace slipway::agents {

namespace {

/// Arithmetic of one expression: {"expression": "2 * (3 + 4)"}.
class Calculator final : public Tool {
 public:
  ToolResult call(const Context&, const ToolCall& call) override {
    const Value& text = call.args.at("expression");
    if (!text.is_text())
      return ToolResult::failed({"tool", "calculator takes {\"expression\": \"2 * (3 + 4)\"}"});
    const auto program = Expression::compile(text.text(), Names());
    if (!program) return ToolResult::failed({"tool", program.error().message()});
    auto value = program->evaluate({});
    if (!value) return ToolResult::failed({"tool", value.failure().message});
    return ToolResult::done(*std::move(value));
  }
  Value parameters() const override {
    return Value::map(
        {{"type", "object"},
         {"properties", Value::map({{"expression", Value::map({{"type", "string"}})}})},
         {"required", Value::list({"expression"})}});
  }
  std::string description() const override {
    return "Computes an arithmetic expression such as 2 * (3 + 4) / 7.0.";
  }
};

class Now final : public Tool {
 public:
  ToolResult call(const Context&, const ToolCall&) override {
    return ToolResult::done(format_time(system_clock().now()));
  }
  Value parameters() const override {
    return Value::map({{"type", "object"}, {"properties", Value::map()}});
  }
  std::string description() const override { return "The time now, in UTC (RFC 3339)."; }
};

/// Does nothing: that it was called is what followers are told.
class Emit final : public Tool {
 public:
  ToolResult call(const Context&, const ToolCall&) override {
    return ToolResult::done(Value(true));
  }
  Value parameters() const override {
    return Value::map({{"type", "object"}, {"properties", Value::map()}});
  }
  std::string description() const override {
    return "Tells whoever follows this run how it goes, in members of your choice.";
  }
};

class Question final : public Tool {
 public:
  Question(Collections collections, RagBody body)
      : collections_(std::move(collections)), body_(std::move(body)) {}
  ToolResult call(const Context& context, const ToolCall& call) override {
    return collections_.ask(context, body_, call);
  }
  Outcome<std::optional<Spending>> most(const Context& context, const ToolCall& call) override {
    if (!collections_.most) return std::optional<Spending>();
    return std::optional<Spending>(SLIPWAY_GET(collections_.most(context, body_, call)));
  }

 private:
  const Collections collections_;
  const RagBody body_;
};

Result<std::shared_ptr<Tool>> make_builtin(const ToolSpec& spec) {
  const std::string name = spec.config.is_text() ? spec.config.text() : "";
  if (name == "calculator") return std::shared_ptr<Tool>(std::make_shared<Calculator>());
  if (name == "now") return std::shared_ptr<Tool>(std::make_shared<Now>());
  if (name == "emit") return std::shared_ptr<Tool>(std::make_shared<Emit>());
  return fail(Code::unsupported, "there is no builtin tool '{}' here", name);
}

}  // namespace

std::shared_ptr<Tool> question_tool(Collections collections, RagBody body) {
  return std::make_shared<Question>(std::move(collections), std::move(body));
}

ToolRegistry::ToolRegistry() { add("builtin", make_builtin); }

Result<std::shared_ptr<Tool>> ToolRegistry::make(const ToolSpec& spec) const {
  const auto found = factories_.find(spec.kind);
  if (found == factories_.end())
    return fail(Code::unsupported, "tool '{}': tools of kind '{}' are not served here", spec.name,
                spec.kind);
  return found->second(spec).within(fmt::format("tool '{}'", spec.name));
}

}  // namespace slipway::agents
