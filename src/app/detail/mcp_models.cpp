#include "app/detail/mcp_models.hpp"

#include <algorithm>
#include <charconv>

#include "access/access.hpp"
#include "agents/spending.hpp"
#include "app/detail/inner_exchange.hpp"
#include "app/detail/mcp_place.hpp"
#include "core/unicode.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view prefix = "model_", uri_prefix = "slipway://models/";
constexpr std::size_t name_bytes_max = 120;

/// Who asks, as the gateway knows them.
access::Caller caller_of(const mcp::Principal& principal) {
  if (principal.who) return *static_cast<const access::Caller*>(principal.who.get());
  return {.name = "local"};
}

std::string tool_name(const std::string& model) {
  std::string name(prefix);
  for (const char c : model.substr(0, name_bytes_max)) {
    const bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    name += is_good ? c : '_';
  }
  return name;
}

/// The first of each tool's name.
std::vector<gateway::ModelCard> offered(const McpModels& door, const mcp::Principal& principal) {
  std::vector<gateway::ModelCard> cards;
  if (door.gateway == nullptr || door.offered.empty()) return cards;
  const auto is_offered = [&](const std::string& name) {
    return std::any_of(door.offered.begin(), door.offered.end(),
                       [&](const auto& one) { return one == "all" || one == name; });
  };
  std::vector<std::string> taken;
  for (gateway::ModelCard& card : door.gateway->models(caller_of(principal))) {
    const std::string tool = tool_name(card.name);
    if (!is_offered(card.name) || std::find(taken.begin(), taken.end(), tool) != taken.end())
      continue;
    if (card.task != "chat" && card.task != "embed" && card.task != "rerank") continue;
    taken.push_back(tool);
    cards.push_back(std::move(card));
  }
  return cards;
}

std::optional<gateway::ModelCard> find(const McpModels& door, const mcp::Principal& principal,
                                       const std::string& tool) {
  for (gateway::ModelCard& card : offered(door, principal))
    if (tool_name(card.name) == tool) return std::move(card);
  return std::nullopt;
}

json::Object text_field(std::string_view description) {
  return {{"type", "string"}, {"description", description}};
}
json::Object texts_field(std::string_view description) {
  return {{"type", "array"},
          {"items", json::Object{{"type", "string"}}},
          {"minItems", 1},
          {"description", description}};
}

json::Object message_schema() {
  return {
      {"type", "object"},
      {"properties",
       json::Object{{"role", json::Object{{"type", "string"},
                                          {"enum", json::Array{"system", "user", "assistant"}}}},
                    {"content", json::Object{{"type", "string"}}}}},
      {"required", json::Array{"role", "content"}}};
}

json::Object schema_of(const gateway::ModelCard& card) {
  json::Object properties;
  json::Array required;
  if (card.task == "embed") {
    properties["texts"] = texts_field("What becomes vectors");
    required = {"texts"};
  } else if (card.task == "rerank") {
    properties["query"] = text_field("What is asked");
    properties["documents"] = texts_field("What is put in order");
    properties["top_n"] = json::Object{{"type", "integer"}, {"minimum", 1}};
    required = {"query", "documents"};
  } else {
    properties["prompt"] = text_field("What is said to the model; or give 'messages'");
    properties["system"] = text_field("Said to it before");
    properties["messages"] = json::Object{{"type", "array"}, {"items", message_schema()}};
    properties["max_tokens"] = json::Object{{"type", "integer"}, {"minimum", 1}};
    properties["temperature"] = json::Object{{"type", "number"}, {"minimum", 0}};
  }
  json::Object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

std::string description_of(const gateway::ModelCard& card) {
  std::string text = card.task == "embed" ? fmt::format("Turns texts into vectors: {}", card.name)
                     : card.task == "rerank" ? fmt::format(
                                                   "Puts documents in the order in which "
                                                   "they answer a query: {}",
                                                   card.name)
                                             : fmt::format("Asks the model {}", card.name);
  if (card.input_usd_per_million && card.output_usd_per_million)
    text += fmt::format("; costs {} USD per million tokens read, {} written",
                        *card.input_usd_per_million, *card.output_usd_per_million);
  return text;
}

std::shared_ptr<InnerExchange> exchange_of(mcp::Call& call, std::string path, std::string body) {
  http::Request request = said_by(call);
  request.method = "POST";
  request.target = request.path = std::move(path);
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  return std::make_shared<InnerExchange>(call.context(), std::move(request));
}

/// What it cost, for who keeps a budget.
json::Object spent_of(const http::Response& response, models::Usage usage) {
  agents::Spending spent{.usage = usage};
  const std::string_view usd = response.headers.get("x-slipway-cost-usd");
  (void)std::from_chars(usd.data(), usd.data() + usd.size(), spent.usd);
  return {{agents::spending_key, agents::to_json(agents::spending_value(spent))}};
}

/// As OpenAI's chat completions take it. Fails: invalid_argument.
Result<json::Object> chat_body(const std::string& model, const json::Object& arguments) {
  json::Object body{{"model", model}};
  json::Array messages;
  if (const std::string system = mcp::text_of(arguments, "system"); !system.empty())
    messages.push_back(json::Object{{"role", "system"}, {"content", system}});
  if (const auto* given = arguments.if_contains("messages"); given && given->is_array())
    for (const json::Value& message : given->get_array()) messages.push_back(message);
  if (const std::string prompt = mcp::text_of(arguments, "prompt"); !prompt.empty())
    messages.push_back(json::Object{{"role", "user"}, {"content", prompt}});
  if (messages.empty())
    return fail(Code::invalid_argument, "say something to the model: 'prompt' or 'messages'");
  body["messages"] = std::move(messages);
  for (const char* key : {"max_tokens", "temperature"})
    if (const auto* value = arguments.if_contains(key)) body[key] = *value;
  return body;
}

Result<json::Object> chat(const McpModels& door, mcp::Call& call, const std::string& model,
                          const json::Object& arguments) {
  const json::Object body = TRY(chat_body(model, arguments));
  const auto exchange = exchange_of(call, "/v1/chat/completions", json::dump(body));
  door.gateway->chat(exchange, {.caller = caller_of(call.principal()),
                                .codec = &dialects::codec(dialects::Dialect::openai)});
  const http::Response response = TRY(exchange->wait());
  const json::Value reply = TRY(value_of_response(response));
  boost::system::error_code error;
  const json::Value* text = reply.find_pointer("/choices/0/message/content", error);
  std::string said = text != nullptr && text->is_string() ? std::string(text->get_string()) : "";
  json::Object structured{{"model", model}, {"text", said}};
  if (const auto* reason = reply.find_pointer("/choices/0/finish_reason", error))
    structured["finish_reason"] = *reason;
  if (const auto* usage = reply.find_pointer("/usage", error)) structured["usage"] = *usage;
  const auto count = [&](const char* path) {
    const json::Value* tokens = reply.find_pointer(path, error);
    return tokens != nullptr && tokens->is_int64() ? tokens->get_int64() : 0;
  };
  const models::Usage used{.input_tokens = count("/usage/prompt_tokens"),
                           .output_tokens = count("/usage/completion_tokens")};
  return json::Object{{"content", json::Array{mcp::text_content(said)}},
                      {"structuredContent", std::move(structured)},
                      {"_meta", spent_of(response, used)}};
}

/// Lets what the gateway tells be waited for like an answer.
template <typename Reply, typename Encode>
gateway::Done<Reply> answers(const std::shared_ptr<InnerExchange>& exchange, Encode encode) {
  return [exchange, encode](gateway::Outcome<Reply> outcome) {
    if (outcome.reply)
      exchange->reply({.headers = outcome.headers, .body = json::dump(encode(*outcome.reply))});
    else
      exchange->reply({.status = outcome.error.status == 200 ? 502 : outcome.error.status,
                       .body = json::dump(json::Object{
                           {"error", json::Object{{"message", outcome.error.message}}}})});
  };
}

Result<json::Object> embed(const McpModels& door, mcp::Call& call, const std::string& model,
                           const json::Object& arguments) {
  json::Object body{{"model", model}};
  if (const auto* texts = arguments.if_contains("texts")) body["input"] = *texts;
  auto request = TRY(dialects::decode_embedding_request(dialects::EmbeddingDialect::openai, body));
  const auto exchange = exchange_of(call, "/v1/embeddings", "");
  door.gateway->embed(
      exchange, {.caller = caller_of(call.principal()), .request = std::move(request)},
      answers<dialects::EmbeddingReply>(exchange, [](const dialects::EmbeddingReply& reply) {
        json::Array vectors;
        for (const auto& vector : reply.vectors)
          vectors.emplace_back(json::Array(vector.begin(), vector.end()));
        return json::Object{{"vectors", std::move(vectors)}, {"input_tokens", reply.input_tokens}};
      }));
  const http::Response response = TRY(exchange->wait());
  json::Value reply = TRY(value_of_response(response));
  reply.as_object()["model"] = model;
  const models::Usage used{.embedding_tokens = reply.at("input_tokens").to_number<std::int64_t>()};
  return json::Object{{"content", json::Array{mcp::text_content(json::dump(reply))}},
                      {"structuredContent", std::move(reply)},
                      {"_meta", spent_of(response, used)}};
}

Result<json::Object> rerank(const McpModels& door, mcp::Call& call, const std::string& model,
                            const json::Object& arguments) {
  json::Object body{{"model", model}};
  for (const char* key : {"query", "documents", "top_n"})
    if (const auto* value = arguments.if_contains(key)) body[key] = *value;
  auto request = TRY(dialects::decode_rerank_request(dialects::RerankDialect::cohere_v2, body));
  const auto documents = request.documents;
  const auto top =
      static_cast<std::size_t>(request.top_n.value_or(static_cast<std::int64_t>(documents.size())));
  const auto exchange = exchange_of(call, "/v2/rerank", "");
  door.gateway->rerank(
      exchange, {.caller = caller_of(call.principal()), .request = std::move(request)},
      answers<dialects::RerankReply>(exchange, [top](const dialects::RerankReply& reply) {
        json::Array hits;
        for (const auto& hit : reply.hits)
          if (hits.size() < top)
            hits.push_back(json::Object{{"index", hit.index}, {"score", hit.score}});
        return json::Object{{"hits", std::move(hits)}};
      }));
  const http::Response response = TRY(exchange->wait());
  json::Value reply = TRY(value_of_response(response));
  constexpr std::size_t shown_bytes_max = 200;
  std::string text;
  for (const json::Value& hit : reply.as_object().at("hits").as_array()) {
    const auto index = hit.at("index").to_number<std::size_t>();
    if (index >= documents.size()) continue;
    const std::string& document = documents[index];
    text += fmt::format(
        "[{}] {:.4f} {}\n", index, hit.at("score").to_number<double>(),
        document.substr(
            0, unicode::floor_boundary(document, std::min(document.size(), shown_bytes_max))));
  }
  return json::Object{{"content", json::Array{mcp::text_content(text)}},
                      {"structuredContent", std::move(reply)},
                      {"_meta", spent_of(response, {})}};
}

}  // namespace

bool is_model_tool(std::string_view tool) { return tool.starts_with(prefix); }

json::Array model_tools(const McpModels& door, const mcp::Principal& principal) {
  json::Array tools;
  for (const gateway::ModelCard& card : offered(door, principal))
    tools.push_back(json::Object{{"name", tool_name(card.name)},
                                 {"title", card.name},
                                 {"description", description_of(card)},
                                 {"inputSchema", schema_of(card)},
                                 {"annotations", json::Object{{"readOnlyHint", true}}}});
  return tools;
}

json::Value model_input_schema(const McpModels& door, const mcp::Principal& principal,
                               const std::string& tool) {
  const auto card = find(door, principal, tool);
  return card ? json::Value(schema_of(*card)) : json::Value();
}

mcp::Answer call_model(const McpModels& door, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments) {
  const auto card = find(door, call.principal(), tool);
  if (!card) return mcp::unknown_thing(call, "tool", tool);
  call.progress(0, {}, fmt::format("asking {}", card->name));
  auto result = card->task == "embed"    ? embed(door, call, card->name, arguments)
                : card->task == "rerank" ? rerank(door, call, card->name, arguments)
                                         : chat(door, call, card->name, arguments);
  if (!result) return mcp::Answer::tool_error(result.error().message());
  return std::move(*result);
}

json::Array model_resources(const McpModels& door, const mcp::Principal& principal) {
  json::Array resources;
  for (const gateway::ModelCard& card : offered(door, principal))
    resources.push_back(json::Object{{"uri", std::string(uri_prefix) + card.name},
                                     {"name", card.name},
                                     {"description", description_of(card)},
                                     {"mimeType", "application/json"}});
  return resources;
}

bool is_model_resource(std::string_view uri) { return uri.starts_with(uri_prefix); }

mcp::Answer read_model_resource(const McpModels& door, mcp::Call& call, const std::string& uri) {
  for (const gateway::ModelCard& card : offered(door, call.principal()))
    if (uri == std::string(uri_prefix) + card.name)
      return json::Object{
          {"contents", json::Array{json::Object{{"uri", uri},
                                                {"mimeType", "application/json"},
                                                {"text", json::dump(json::to(card))}}}}};
  return mcp::unknown_thing(call, "resource", uri);
}

}  // namespace slipway::app::detail
