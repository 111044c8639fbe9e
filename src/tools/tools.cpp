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
  RagTool(std::string collection, agents::RagBody body, AskCollection ask)
      : collection_(std::move(collection)), body_(std::move(body)), ask_(std::move(ask)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    auto question = text_argument(call, "question");
    if (!question) return ToolResult::failed(question.failure());
    Value asked = Value::map({{"collection", collection_}, {"question", *question}});
    if (const Value* filter = call.args.find("filter")) asked.put("filter", *filter);
    auto found = ask_(context, body_, asked);
    if (!found) return ToolResult::failed(found.failure());
    return ToolResult::done(*std::move(found));
  }
  Value parameters() const override {
    return describe_parameters({{"question", "string", "what to look for, in plain words"}});
  }
  std::string description() const override {
    if (body_.is_ask)
      return fmt::format("Answers a question from the documents of '{}', with sources.",
                         collection_);
    return fmt::format("Finds passages in the documents of '{}'.", collection_);
  }

 private:
  const std::string collection_;
  const agents::RagBody body_;
  const AskCollection ask_;
};

}  // namespace

MadeTool make_rag(const ToolSpec& spec, const AskCollection& ask) {
  const ConfigMap map = TRY(ConfigMap::open(spec.config, "rag", {"collection", "mode", "limit"}));
  const std::string mode = TRY(map.text("mode", "search"));
  if (mode != "search" && mode != "ask")
    return fail(Code::invalid_argument, "rag.mode: '{}' is neither search nor ask", mode);
  if (!ask) return fail(Code::unsupported, "there are no collections here");
  agents::RagBody body;
  body.is_ask = mode == "ask";
  body.limit = static_cast<int>(TRY(map.integer("limit", {1, 50, 8})));
  return std::shared_ptr<Tool>(
      std::make_shared<RagTool>(TRY(map.text("collection", "default")), std::move(body), ask));
}

}  // namespace detail

void add_all(agents::ToolRegistry& registry, Options options) {
  registry.add("http", detail::make_http);
  registry.add("sql", detail::make_sql);
  registry.add("command", detail::make_command);
  registry.add("search", detail::make_search);
  registry.add("rag", [ask = options.rag](const agents::ToolSpec& spec) {
    return detail::make_rag(spec, ask);
  });
  registry.add("code", [python = options.python](const agents::ToolSpec& spec) {
    return detail::make_code(spec, python);
  });
}

}  // namespace slipway::tools
