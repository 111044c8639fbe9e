#include "agents/chat_model.hpp"

#include "agents/detail/data_marks.hpp"
#include "core/clock.hpp"

namespace slipway::agents {

namespace {

dialects::Role role_of(const std::string& role) {
  if (role == "system") return dialects::Role::system;
  if (role == "assistant") return dialects::Role::assistant;
  if (role == "tool") return dialects::Role::tool;
  return dialects::Role::user;
}

/// The rule about marks joins the system's words.
void add_rule(std::vector<dialects::Message>& messages, const std::string& rule) {
  if (!messages.empty() && messages.front().role == dialects::Role::system &&
      !messages.front().parts.empty())
    messages.front().parts.back().text += "\n\n" + rule;
  else
    messages.insert(messages.begin(), {.role = dialects::Role::system, .parts = {{.text = rule}}});
}

dialects::ChatRequest to_request(const ModelCall& call, const std::string& tag) {
  dialects::ChatRequest request{
      .max_tokens = call.max_tokens, .temperature = call.temperature, .seed = call.seed};
  for (const ChatMessage& message : call.messages) {
    dialects::Message made{.role = role_of(message.role),
                           .tool_call_id = message.tool_call_id,
                           .is_error = message.is_error};
    if (!message.content.empty()) made.parts.push_back({.text = detail::mark_data(message, tag)});
    for (const ToolRequest& tool : message.tool_calls)
      made.tool_calls.push_back({.id = tool.id, .name = tool.name, .arguments = dump(tool.args)});
    request.messages.push_back(std::move(made));
  }
  if (detail::has_data(call)) add_rule(request.messages, detail::data_rule(tag));
  for (const ToolSpec* tool : call.tools)
    request.tools.push_back({.name = tool->name,
                             .description = tool->description,
                             .parameters = tool->schema
                                               ? to_json(tool->schema->json)
                                               : json::Value(json::Object{{"type", "object"}})});
  if (call.schema) {
    request.response_format.kind = dialects::ResponseKind::json_schema;
    request.response_format.name = "reply";
    request.response_format.schema = to_json(call.schema->json);
  }
  return request;
}

class CatalogModel final : public Model {
 public:
  using Price = std::function<ModelPrice()>;
  /// `own`: that the model came from, if nobody else keeps it. `price` may be empty.
  CatalogModel(std::shared_ptr<models::ChatModel> model, std::unique_ptr<models::Catalog> own,
               Price price)
      : own_(std::move(own)), model_(std::move(model)), price_(std::move(price)) {}

  std::optional<ModelPrice> price() override {
    if (!price_) return {};
    return price_();
  }

  Outcome<ModelReply> reply(const Context& context, const ModelCall& call) override {
    // Nobody waits for a token more once the run was ended.
    bool is_ended = false;
    const models::EventSink sink = [&](const dialects::ChatEvent& event) {
      is_ended = !context.check();
      if (is_ended) return false;
      if (event.kind == dialects::EventKind::text && call.on_token) call.on_token(event.text);
      is_ended = !context.check();
      return !is_ended;
    };
    auto reply = converse(context, call, sink);
    if (!reply) return failure_of(reply.error());
    if (reply->choices.empty()) return Failure{"failed", "the model gave no reply"};
    ModelReply made{
        .input_tokens = reply->usage.input_tokens,
        .output_tokens = reply->usage.output_tokens,
        .is_cut = reply->choices.front().finish_reason == dialects::FinishReason::length,
        .is_ended = is_ended};
    if (is_ended) return made;  // Its calls may be halves.
    for (const dialects::Part& part : reply->choices.front().parts)
      if (part.kind == dialects::PartKind::text) made.text += part.text;
    for (const dialects::ToolCall& tool : reply->choices.front().tool_calls) {
      auto args = parse_json(tool.arguments.empty() ? "{}" : tool.arguments);
      if (!args)
        return Failure{"schema", fmt::format("the model called '{}' with arguments that are {}",
                                             tool.name, args.error().message())};
      made.tool_calls.push_back({.id = tool.id, .name = tool.name, .args = *std::move(args)});
    }
    return made;
  }

  Outcome<std::int64_t> count_tokens(const ModelCall& call) override {
    auto count = model_->count_prompt(to_request(call, tag_));
    if (!count) return failure_of(count.error());
    return static_cast<std::int64_t>(*count);
  }

 private:
  /// A model that cannot be held to the schema is told it in words.
  Result<dialects::ChatReply> converse(const Context& context, const ModelCall& call,
                                       const models::EventSink& sink) {
    dialects::ChatRequest request = to_request(call, tag_);
    auto reply = model_->converse(context, request, sink);
    const bool is_schema = !reply && call.schema && reply.error().code() == Code::unsupported &&
                           reply.error().message().find("response_format") != std::string::npos;
    if (!is_schema) return reply;
    request.response_format = {};
    add_rule(request.messages,
             "Reply with JSON only, without any other word. It must fit this "
             "JSON Schema:\n" +
                 dump(call.schema->json));
    return model_->converse(context, request, sink);
  }

  std::unique_ptr<models::Catalog> own_;  // Before the model, which it must outlive.
  std::shared_ptr<models::ChatModel> model_;
  const Price price_;
  // The same for as long as the model is open: prompts that begin alike stay alike.
  const std::string tag_ =
      fmt::format("{:08x}", static_cast<std::uint32_t>(system_random().next()));
};

}  // namespace

std::shared_ptr<Model> wrap_chat_model(std::shared_ptr<models::ChatModel> model) {
  return std::make_shared<CatalogModel>(std::move(model), nullptr, CatalogModel::Price());
}

ModelPrice price_in(const models::Catalog& catalog, const std::string& name) {
  const auto price = catalog.price(name);
  if (!price) return {.is_known = false};
  return {price->input_usd_per_million, price->output_usd_per_million};
}

Result<std::shared_ptr<Model>> open_chat_model(models::Catalog& catalog, const ModelSpec& spec) {
  if (spec.provider == "catalog") {
    auto model = TRY(catalog.chat_model({}, spec.model));
    return std::shared_ptr<Model>(std::make_shared<CatalogModel>(
        std::move(model), nullptr,
        [&catalog, name = spec.model] { return price_in(catalog, name); }));
  }
  models::Catalog::Options options;
  options.configured[spec.name] = TRY(json::from<models::ModelConfig>(spec.config));
  auto own = TRY(models::Catalog::open(std::move(options)));
  auto model = TRY(own->chat_model({}, spec.name));
  const ModelPrice price = price_in(*own, spec.name);
  return std::shared_ptr<Model>(
      std::make_shared<CatalogModel>(std::move(model), std::move(own), [price] { return price; }));
}

}  // namespace slipway::agents
