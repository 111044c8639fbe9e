// Messages as a client: what a deployment is asked.
#include <algorithm>

#include "dialects/detail/anthropic.hpp"
#include "dialects/detail/codecs.hpp"

namespace slipway::dialects::detail {

namespace {

/// Where the API demands a limit and neither caller nor configuration gave one.
constexpr std::int64_t max_tokens_default = 1024;

/// Ids are letters, digits, '_' and '-' here; others are written the same way each time.
std::string plain_id(std::string_view id) {
  std::string plain(id);
  for (char& c : plain) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!is_plain) c = '_';
  }
  return plain;
}

json::Value write_source(const Part& part) {
  if (!part.url.empty()) return {{"type", "url"}, {"url", part.url}};
  if (part.data.empty())
    return {{"type", "text"}, {"media_type", "text/plain"}, {"data", part.text}};
  const std::string_view type_default =
      part.kind == PartKind::image ? "image/png" : "application/pdf";
  return {{"type", "base64"},
          {"media_type", part.media_type.empty() ? type_default : part.media_type},
          {"data", part.data}};
}

json::Value write_document(const Part& part, Report& report) {
  json::Object out = {{"type", "document"}};
  if (!part.data.empty() && !part.media_type.empty() && part.media_type != "application/pdf")
    report.at(part.path, fmt::format("Anthropic's messages take PDF and text as documents, not {}",
                                     part.media_type));
  const bool is_elsewhere = part.url.empty() && part.data.empty() && part.text.empty();
  if (!is_elsewhere) out["source"] = write_source(part);  // Else `extra` has it.
  put(out, "title", part.title);
  // Cohere's callers get citations of their documents without asking.
  if (part.path.starts_with("documents[")) out["citations"] = {{"enabled", true}};
  return out;
}

/// Null: nothing to say.
json::Value write_block(const Part& part, Report& report) {
  switch (part.kind) {
    case PartKind::text:
    case PartKind::refusal:
      if (part.text.empty()) return nullptr;  // An empty block is refused.
      return {{"type", "text"}, {"text", part.text}};
    case PartKind::image: {
      json::Object out = {{"type", "image"}};
      if (!part.url.empty() || !part.data.empty()) out["source"] = write_source(part);
      if (!part.detail.empty() && part.detail != "auto")
        report.at(join(part.path, "image_url.detail"));
      return out;
    }
    case PartKind::document: return write_document(part, report);
    case PartKind::audio:
      report.at(part.path, "Anthropic's messages have no audio");
      return nullptr;
    case PartKind::reasoning:
      // A model checks the signature of its own thoughts; others' are not taken.
      if (part.signature.empty() && part.data.empty()) return nullptr;
      if (part.signed_by != Dialect::anthropic) {
        report.at(part.path, "another vendor has signed this reasoning");
        return nullptr;
      }
      if (!part.data.empty()) return {{"type", "redacted_thinking"}, {"data", part.data}};
      return {{"type", "thinking"}, {"thinking", part.text}, {"signature", part.signature}};
    case PartKind::opaque: break;
  }
  return report.is_same_dialect() ? json::Value(part.extra) : json::Value(nullptr);
}

json::Array write_blocks(const std::vector<Part>& parts, Report& report) {
  json::Array blocks;
  for (const Part& part : parts) {
    json::Value block = write_block(part, report);
    if (!block.is_object()) continue;
    if (part.cache_here) block.get_object()["cache_control"] = {{"type", "ephemeral"}};
    if (report.is_same_dialect()) merge(block.get_object(), part.extra);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

json::Value write_result(const Message& message, Report& report) {
  json::Object out = {{"type", "tool_result"}, {"tool_use_id", plain_id(message.tool_call_id)}};
  const bool is_text = message.parts.size() == 1 && message.parts[0].kind == PartKind::text &&
                       !message.parts[0].cache_here && message.parts[0].extra.empty();
  if (is_text)
    out["content"] = message.parts[0].text;
  else
    out["content"] = write_blocks(message.parts, report);
  if (message.is_error) out["is_error"] = true;
  if (report.is_same_dialect()) merge(out, message.extra);
  return out;
}

json::Value write_use(const ToolCall& call, Report& report) {
  json::Object out = {{"type", "tool_use"}, {"id", plain_id(call.id)}, {"name", call.name}};
  const auto input = json::parse(call.arguments.empty() ? "{}" : call.arguments);
  if (input && input->is_object())
    out["input"] = *input;
  else
    report.at(call.path, "its arguments are not a JSON object, as Anthropic's messages demand");
  if (report.is_same_dialect()) merge(out, call.extra);
  return out;
}

std::string_view role_of(const Message& message) {
  if (message.role == Role::assistant) return "assistant";
  if (message.role == Role::system || message.role == Role::developer) return "system";
  return "user";
}

/// Content blocks of one message; neighbours of one role are one message, as the API wants it.
void add_message(json::Array& messages, const Message& message, Report& report) {
  json::Array blocks;
  if (message.role == Role::tool)
    blocks.push_back(write_result(message, report));
  else
    blocks = write_blocks(message.parts, report);
  for (const ToolCall& call : message.tool_calls) blocks.push_back(write_use(call, report));
  if (!message.name.empty()) report.at(join(message.path, "name"));
  if (blocks.empty()) return;
  const std::string_view role = role_of(message);
  if (!messages.empty() && text_of(messages.back().get_object(), "role") == role) {
    json::Array& before = messages.back().get_object()["content"].get_array();
    for (json::Value& block : blocks) before.push_back(std::move(block));
  } else {
    messages.push_back(json::Object{{"role", role}, {"content", std::move(blocks)}});
  }
  if (report.is_same_dialect() && message.role != Role::tool)
    merge(messages.back().get_object(), message.extra);
}

bool is_system(const Message& message) {
  return message.role == Role::system || message.role == Role::developer;
}

void write_messages(json::Object& out, const ChatRequest& request, Report& report) {
  const auto first = std::find_if_not(request.messages.begin(), request.messages.end(), is_system);
  json::Array system;
  for (auto it = request.messages.begin(); it != first; ++it) {
    for (json::Value& block : write_blocks(it->parts, report)) system.push_back(std::move(block));
    if (!it->name.empty()) report.at(join(it->path, "name"));
  }
  const bool is_plain = system.size() == 1 && system[0].get_object().size() == 2;
  if (is_plain)
    out["system"] = system[0].get_object()["text"];
  else if (!system.empty())
    out["system"] = std::move(system);
  json::Array messages;
  for (auto it = first; it != request.messages.end(); ++it) add_message(messages, *it, report);
  for (json::Value& message : messages) {
    json::Array& blocks = message.get_object()["content"].get_array();
    if (blocks.size() != 1 || blocks[0].get_object().size() != 2) continue;
    if (text_of(blocks[0].get_object(), "type") != "text") continue;
    json::Value text = blocks[0].get_object()["text"];
    message.get_object()["content"] = std::move(text);
  }
  out["messages"] = std::move(messages);
}

void write_tools(json::Object& out, const ChatRequest& request, Report& report) {
  json::Array tools;
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted) {
      if (report.is_same_dialect()) tools.push_back(tool.extra);
      continue;
    }
    json::Object item = {{"name", tool.name}};
    put(item, "description", tool.description);
    if (tool.parameters.is_null())
      item["input_schema"] = {{"type", "object"}, {"properties", json::Object()}};
    else
      item["input_schema"] = tool.parameters;
    if (tool.strict.value_or(false)) item["strict"] = true;
    if (report.is_same_dialect()) merge(item, tool.extra);
    tools.push_back(std::move(item));
  }
  if (tools.empty()) return;
  out["tools"] = std::move(tools);
  json::Object choice;
  switch (request.tool_choice) {
    case ToolChoice::automatic: choice["type"] = "auto"; break;
    case ToolChoice::none: choice["type"] = "none"; break;
    case ToolChoice::required: choice["type"] = "any"; break;
    case ToolChoice::named:
      choice["type"] = "tool";
      choice["name"] = request.tool_name;
      break;
  }
  const bool one_by_one = !request.parallel_tool_calls.value_or(true);
  if (one_by_one && request.tool_choice != ToolChoice::none)
    choice["disable_parallel_tool_use"] = true;
  if (one_by_one || request.tool_choice != ToolChoice::automatic)
    out["tool_choice"] = std::move(choice);
}

void write_sampling(json::Object& out, const ChatRequest& request, Report& report) {
  if (request.temperature.value_or(0) > 1)
    report.member("temperature",
                  fmt::format("{:g} is above 1, the most that Anthropic's messages take",
                              *request.temperature));
  else
    put(out, "temperature", request.temperature);
  put(out, "top_p", request.top_p);
  put(out, "top_k", request.top_k);
  if (!request.stop.empty())
    out["stop_sequences"] = json::Array(request.stop.begin(), request.stop.end());
  if (request.min_p) report.member("min_p");
  if (request.frequency_penalty.value_or(0) != 0) report.member("frequency_penalty");
  if (request.presence_penalty.value_or(0) != 0) report.member("presence_penalty");
  if (request.repeat_penalty.value_or(1) != 1) report.member("repeat_penalty");
  if (request.seed) report.member("seed");
  if (request.choices.value_or(1) != 1) report.member("choices", "one answer a call");
  if (!request.logit_bias.empty()) report.member("logit_bias");
  if (request.logprobs) report.member("logprobs");
  if (!request.metadata.empty()) report.member("metadata");
}

void write_thinking(json::Object& out, const ChatRequest& request, Report& report) {
  if (request.reasoning_tokens) {
    out["thinking"] = {{"type", "disabled"}};
    if (*request.reasoning_tokens > 0)
      out["thinking"] = {{"type", "enabled"}, {"budget_tokens", *request.reasoning_tokens}};
  }
  const std::string& effort = request.reasoning_effort;
  json::Object config;
  if (effort == "none") {
    out["thinking"] = {{"type", "disabled"}};
  } else if (effort == "minimal") {
    report.member("reasoning_effort", "Anthropic's messages know low, medium, high, xhigh and max");
  } else {
    put(config, "effort", effort);
  }
  const ResponseFormat& format = request.response_format;
  if (format.kind == ResponseKind::json_object)
    report.member("response_format", "Anthropic's messages need a JSON schema; send json_schema");
  if (format.kind == ResponseKind::json_schema) {
    json::Object schema = {{"type", "json_schema"}};
    schema["schema"] = format.schema.is_null() ? json::Value(json::Object()) : format.schema;
    config["format"] = std::move(schema);
    if (!format.description.empty())
      report.at(spelled(request, "response_format") +
                (request.from == Dialect::openai ? ".json_schema.description" : ".description"));
  }
  if (!config.empty()) out["output_config"] = std::move(config);
}

}  // namespace

json::Value AnthropicCodec::encode_request(const ChatRequest& request,
                                           std::vector<Unsupported>& unsupported) const {
  Report report(request, dialect(), unsupported);
  json::Object out = {{"model", request.model},
                      {"max_tokens", request.max_tokens.value_or(max_tokens_default)}};
  write_messages(out, request, report);
  write_sampling(out, request, report);
  write_tools(out, request, report);
  write_thinking(out, request, report);
  if (!request.user.empty()) out["metadata"] = {{"user_id", request.user}};
  if (request.stream) out["stream"] = true;
  if (report.is_same_dialect()) merge(out, request.extra);
  return out;
}

}  // namespace slipway::dialects::detail

namespace slipway::dialects {

json::Value encode_count_tokens(const ChatRequest& request, std::vector<Unsupported>& unsupported) {
  json::Value body = codec(Dialect::anthropic).encode_request(request, unsupported);
  for (const std::string_view key : {"max_tokens", "temperature", "top_p", "top_k",
                                     "stop_sequences", "stream", "metadata", "service_tier"})
    body.get_object().erase(key);
  return body;
}

}  // namespace slipway::dialects
