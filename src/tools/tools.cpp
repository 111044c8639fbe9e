#include "tools/tools.hpp"

#include "tools/detail/config.hpp"
#include "tools/detail/kinds.hpp"

namespace slipway::tools {

namespace detail {

Value describe_parameters(const std::vector<Parameter>& parameters) {
  Value properties = Value::map(), required = Value::list();
  for (const Parameter& parameter : parameters) {
    Value described = Value::map({{"description", parameter.description}});
    if (!parameter.type.empty()) described.put("type", parameter.type);
    properties.put(parameter.name, std::move(described));
    if (parameter.is_required) required.push(parameter.name);
  }
  return Value::map({{"type", "object"},
                     {"properties", std::move(properties)},
                     {"required", std::move(required)},
                     {"additionalProperties", false}});
}

Outcome<std::string> text_argument(const ToolCall& call, std::string_view name) {
  const Value& value = call.args.at(name);
  if (!value.is_text())
    return agents::Failure{
        "tool", fmt::format("the argument '{}' must be a text, not {}", name, kind_name(value))};
  return value.text();
}

namespace {

/// `rag: {collection, mode, limit}`
class RagTool final : public Tool {
 public:
  RagTool(std::string collection, const agents::RagBody& body, agents::Collections collections)
      : collection_(std::move(collection)),
        is_ask_(body.is_ask),
        question_(agents::question_tool(std::move(collections), body)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    auto asked = asked_of(call);
    if (!asked) return ToolResult::failed(asked.failure());
    return question_->call(context, *asked);
  }
  Outcome<std::optional<agents::Spending>> most(const Context& context,
                                                const ToolCall& call) override {
    auto asked = asked_of(call);
    if (!asked) return std::move(asked.failure());
    return question_->most(context, *asked);
  }
  Value parameters() const override {
    return describe_parameters({{"question", "string", "what to look for, in plain words"}});
  }
  std::string description() const override {
    if (is_ask_)
      return fmt::format("Answers a question from the documents of '{}', with sources.",
                         collection_);
    return fmt::format("Finds passages in the documents of '{}'.", collection_);
  }

 private:
  Outcome<ToolCall> asked_of(const ToolCall& call) const {
    auto question = SLIPWAY_GET(text_argument(call, "question"));
    ToolCall asked = call;
    asked.args = Value::map({{"collection", collection_}, {"question", std::move(question)}});
    if (const Value* filter = call.args.find("filter")) asked.args.put("filter", *filter);
    return asked;
  }

  const std::string collection_;
  const bool is_ask_;
  const std::shared_ptr<Tool> question_;
};

}  // namespace

MadeTool make_rag(const ToolSpec& spec, const agents::Collections& collections) {
  const ConfigMap map = TRY(ConfigMap::open(spec.config, "rag", {"collection", "mode", "limit"}));
  const std::string mode = TRY(map.text("mode", "search"));
  if (mode != "search" && mode != "ask")
    return fail(Code::invalid_argument, "rag.mode: '{}' is neither search nor ask", mode);
  if (!collections) return fail(Code::unsupported, "there are no collections here");
  agents::RagBody body;
  body.is_ask = mode == "ask";
  body.limit = static_cast<int>(TRY(map.integer("limit", {1, 50, 8})));
  return std::shared_ptr<Tool>(
      std::make_shared<RagTool>(TRY(map.text("collection", "default")), body, collections));
}

}  // namespace detail

void add_all(agents::ToolRegistry& registry, Options options) {
  registry.add("http", detail::make_http);
  registry.add("sql", detail::make_sql);
  registry.add("command", detail::make_command);
  registry.add("search", detail::make_search);
  registry.add("rag", [collections = options.rag](const agents::ToolSpec& spec) {
    return detail::make_rag(spec, collections);
  });
  registry.add("code", [python = options.python](const agents::ToolSpec& spec) {
    return detail::make_code(spec, python);
  });
}

}  // namespace slipway::tools
