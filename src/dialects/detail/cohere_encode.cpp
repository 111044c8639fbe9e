// Cohere's v2 chat as a client: what a deployment is asked.
#include <algorithm>

#include "dialects/detail/codecs.hpp"
#include "dialects/detail/cohere.hpp"

namespace slipway::dialects::detail {

namespace {

/// Null: cannot be said.
json::Value write_document(const Part& part, Report& report) {
  if (part.text.empty()) {
    report.at(part.path, "Cohere's documents are text");
    return nullptr;
  }
  json::Object data = {{"text", part.text}};
  put(data, "title", part.title);
  json::Object out = {{"data", std::move(data)}};
  const std::string id = text_of(part.extra, "id");
  put(out, "id", id.empty() ? part.title : id);
  return out;
}

/// Null: nothing to say here.
json::Value write_part(const Part& part, Report& report) {
  if (part.cache_here && !report.is_same_dialect())
    report.at(join(part.path, "cache_control"), "Cohere's chat has no caching to be steered");
  switch (part.kind) {
    case PartKind::text:
    case PartKind::refusal: return {{"type", "text"}, {"text", part.text}};
    case PartKind::image: {
      json::Object image = {{"url", part.data.empty() ? part.url : data_uri(part, "image/png")}};
      put(image, "detail", part.detail);
      return {{"type", "image_url"}, {"image_url", std::move(image)}};
    }
    case PartKind::reasoning:
      if (!part.signature.empty() || !part.data.empty()) {
        report.at(part.path, "another vendor has signed this reasoning");
        return nullptr;
      }
      return {{"type", "thinking"}, {"thinking", part.text}};
    case PartKind::audio: report.at(part.path, "Cohere's chat has no audio"); break;
    case PartKind::document: break;  // Stands beside the messages.
    case PartKind::opaque: break;    // Of another dialect: reported already.
  }
  return nullptr;
}

void write_content(json::Object& out, const Message& message, Report& report) {
  json::Array content;
  for (const Part& part : message.parts) {
    json::Value item = write_part(part, report);
    if (!item.is_object()) continue;
    if (report.is_same_dialect()) merge(item.get_object(), part.extra);
    content.push_back(std::move(item));
  }
  if (content.size() == 1 && content[0].get_object().size() == 2 &&
      text_of(content[0].get_object(), "type") == "text") {
    json::Value text = content[0].get_object()["text"];
    out["content"] = std::move(text);
  } else if (!content.empty()) {
    out["content"] = std::move(content);
  }
}

void write_result(json::Object& out, const Message& message, Report& report) {
  out["tool_call_id"] = message.tool_call_id;
  json::Array content;
  for (const Part& part : message.parts) {
    if (part.kind == PartKind::document) {
      json::Value document = write_document(part, report);
      if (document.is_object())
        content.push_back(json::Object{{"type", "document"}, {"document", std::move(document)}});
    } else if (part.kind == PartKind::text) {
      content.push_back(json::Object{{"type", "text"}, {"text", part.text}});
    } else {
      report.at(part.path, "a tool's result is text or documents here");
    }
  }
  const bool is_text = std::all_of(message.parts.begin(), message.parts.end(),
                                   [](const Part& part) { return part.kind == PartKind::text; });
  if (is_text)  // There is no flag for a call that failed; the model is told in words.
    out["content"] = (message.is_error ? "Error: " : "") + text_of(message.parts);
  else
    out["content"] = std::move(content);
}

void write_calls(json::Object& out, const Message& message, Report& report) {
  json::Array calls;
  for (const ToolCall& call : message.tool_calls) {
    json::Object item = {
        {"id", call.id},
        {"type", "function"},
        {"function",
         {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}}}};
    if (report.is_same_dialect()) merge(item, call.extra);
    calls.push_back(std::move(item));
  }
  out["tool_calls"] = std::move(calls);
  // What is said before calls has a place of its own.
  if (const std::string plan = text_of(message.parts); !plan.empty()) {
    out["tool_plan"] = plan;
    out.erase("content");
  }
}

json::Value write_message(const Message& message, Report& report) {
  json::Object out;
  const bool is_developer = message.role == Role::developer;
  out["role"] = json::name(is_developer ? Role::system : message.role);
  if (!message.name.empty()) report.at(join(message.path, "name"));
  if (message.role == Role::tool)
    write_result(out, message, report);
  else
    write_content(out, message, report);
  if (!message.tool_calls.empty()) write_calls(out, message, report);
  if (!out.contains("content") && !out.contains("tool_calls")) out["content"] = "";
  if (report.is_same_dialect()) merge(out, message.extra);
  return out;
}

void write_documents(json::Object& out, const ChatRequest& request, Report& report) {
  json::Array documents;
  for (const Message& message : request.messages) {
    if (message.role == Role::tool) continue;
    for (const Part& part : message.parts) {
      if (part.kind != PartKind::document) continue;
      json::Value document = write_document(part, report);
      if (document.is_object()) documents.push_back(std::move(document));
    }
  }
  if (!documents.empty()) out["documents"] = std::move(documents);
}

void write_tools(json::Object& out, const ChatRequest& request, Report& report) {
  json::Array tools;
  bool all_strict = true;
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted) continue;
    json::Object function = {{"name", tool.name}};
    put(function, "description", tool.description);
    if (tool.parameters.is_null())
      function["parameters"] = {{"type", "object"}, {"properties", json::Object()}};
    else
      function["parameters"] = tool.parameters;
    all_strict = all_strict && tool.strict.value_or(false);
    json::Object item = {{"type", "function"}, {"function", std::move(function)}};
    if (report.is_same_dialect()) merge(item, tool.extra);
    tools.push_back(std::move(item));
  }
  if (tools.empty()) return;
  out["tools"] = std::move(tools);
  if (all_strict) out["strict_tools"] = true;
  for (const Tool& tool : request.tools)
    if (!all_strict && tool.strict.value_or(false))
      report.at(join(tool.path, "strict"), "Cohere's chat is strict with all tools or with none");
  if (request.tool_choice == ToolChoice::required) out["tool_choice"] = "REQUIRED";
  if (request.tool_choice == ToolChoice::none) out["tool_choice"] = "NONE";
  if (request.tool_choice == ToolChoice::named)
    report.member("tool_choice", "Cohere's chat cannot demand one certain tool");
  if (!request.parallel_tool_calls.value_or(true)) report.member("parallel_tool_calls");
}

void write_penalty(json::Object& out, Report& report, std::string_view name,
                   const std::optional<double>& value) {
  if (value && (*value < 0 || *value > 1))
    report.member(name, fmt::format("{:g} is not within Cohere's range of 0 to 1", *value));
  else
    put(out, name, value);
}

void write_sampling(json::Object& out, const ChatRequest& request, Report& report) {
  put(out, "max_tokens", request.max_tokens);
  put(out, "temperature", request.temperature);
  put(out, "seed", request.seed);
  if (!request.stop.empty())
    out["stop_sequences"] = json::Array(request.stop.begin(), request.stop.end());
  write_penalty(out, report, "frequency_penalty", request.frequency_penalty);
  write_penalty(out, report, "presence_penalty", request.presence_penalty);
  constexpr double p_min = 0.01, p_max = 0.99;
  if (request.top_p && (*request.top_p < p_min || *request.top_p > p_max))
    report.member("top_p",
                  fmt::format("{:g} is not within Cohere's range of 0.01 to 0.99", *request.top_p));
  else
    put(out, "p", request.top_p);
  constexpr std::int64_t k_max = 500;
  if (request.top_k && (*request.top_k < 0 || *request.top_k > k_max))
    report.member("top_k",
                  fmt::format("{} is not within Cohere's range of 0 to 500", *request.top_k));
  else
    put(out, "k", request.top_k);
  if (request.logprobs) out["logprobs"] = true;
  if (request.top_logprobs.value_or(0) > 0) report.member("top_logprobs");
  if (request.min_p) report.member("min_p");
  if (request.repeat_penalty.value_or(1) != 1) report.member("repeat_penalty");
  if (request.choices.value_or(1) != 1) report.member("choices", "one answer a call");
  if (!request.logit_bias.empty()) report.member("logit_bias");
  if (!request.user.empty()) report.member("user");
  if (!request.metadata.empty()) report.member("metadata");
}

void write_thinking(json::Object& out, const ChatRequest& request, Report& report) {
  if (request.reasoning_effort == "none" || request.reasoning_tokens == 0)
    out["thinking"] = {{"type", "disabled"}};
  else if (!request.reasoning_effort.empty())
    report.member("reasoning_effort", "Cohere's chat knows a number of tokens, no effort");
  else if (request.reasoning_tokens)
    out["thinking"] = {{"type", "enabled"}, {"token_budget", *request.reasoning_tokens}};
}

void write_format(json::Object& out, const ChatRequest& request, Report& report) {
  const ResponseFormat& format = request.response_format;
  if (format.kind == ResponseKind::text) return;
  json::Object object = {{"type", "json_object"}};
  if (format.kind == ResponseKind::json_schema) {
    object["json_schema"] = format.schema.is_null() ? json::Value(json::Object()) : format.schema;
    if (!format.description.empty())
      report.at(spelled(request, "response_format") +
                (request.from == Dialect::openai ? ".json_schema.description" : ".description"));
  }
  out["response_format"] = std::move(object);
}

}  // namespace

json::Value CohereCodec::encode_request(const ChatRequest& request,
                                        std::vector<Unsupported>& unsupported) const {
  Report report(request, dialect(), unsupported);
  json::Object out = {{"model", request.model}};
  json::Array messages;
  for (const Message& message : request.messages)
    messages.push_back(write_message(message, report));
  out["messages"] = std::move(messages);
  write_documents(out, request, report);
  write_tools(out, request, report);
  write_sampling(out, request, report);
  write_format(out, request, report);
  write_thinking(out, request, report);
  out["stream"] = request.stream;
  if (report.is_same_dialect()) merge(out, request.extra);
  return out;
}

}  // namespace slipway::dialects::detail
