// Chat completions as a client: what a deployment is asked.
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

namespace {

json::Value write_image(const Part& part) {
  json::Object image = {{"url", part.data.empty() ? part.url : data_uri(part, "image/png")}};
  put(image, "detail", part.detail);
  return {{"type", "image_url"}, {"image_url", std::move(image)}};
}

/// Null: cannot be said.
json::Value write_part(const Part& part, Report& report) {
  switch (part.kind) {
    case PartKind::text: return {{"type", "text"}, {"text", part.text}};
    case PartKind::refusal: return {{"type", "refusal"}, {"refusal", part.text}};
    case PartKind::image: return write_image(part);
    case PartKind::audio: {
      std::string_view format = part.media_type;
      if (const std::size_t slash = format.find('/'); slash != std::string_view::npos)
        format.remove_prefix(slash + 1);
      return {{"type", "input_audio"}, {"input_audio", {{"data", part.data}, {"format", format}}}};
    }
    case PartKind::document: {
      if (!part.url.empty()) {
        report.at(part.path, "this API takes files by their content, not by URL");
        return nullptr;
      }
      json::Object file;
      write_file(file, part);
      return {{"type", "file"}, {"file", std::move(file)}};
    }
    case PartKind::reasoning: break;  // Written beside the content.
    case PartKind::opaque: break;     // Of another dialect: reported already.
  }
  return nullptr;
}

bool is_plain(const Message& message, Report& report) {
  for (const Part& part : message.parts) {
    if (part.kind == PartKind::reasoning) continue;
    if (part.kind != PartKind::text || part.cache_here) return false;
    if (report.is_same_dialect() && !part.extra.empty()) return false;
  }
  std::size_t texts = 0;
  for (const Part& part : message.parts) texts += part.kind == PartKind::text ? 1 : 0;
  return texts == 1;
}

json::Array write_parts(const Message& message, Report& report) {
  json::Array content;
  for (const Part& part : message.parts) {
    if (message.role == Role::tool && part.kind == PartKind::document && !part.text.empty()) {
      const std::string title = part.title.empty() ? "" : part.title + "\n";
      content.push_back(json::Object{{"type", "text"}, {"text", title + part.text}});
      continue;
    }
    if (message.role == Role::tool && part.kind != PartKind::text) {
      report.at(part.path, "a tool's result is text here");
      continue;
    }
    json::Value item = write_part(part, report);
    if (!item.is_object()) continue;
    write_cache_breakpoint(item.get_object(), part);
    if (report.is_same_dialect()) merge(item.get_object(), part.extra);
    content.push_back(std::move(item));
  }
  return content;
}

void write_reasoning(json::Object& out, const Message& message, Report& report) {
  std::string reasoning;
  for (const Part& part : message.parts) {
    if (part.kind != PartKind::reasoning) continue;
    if (!part.signature.empty() || !part.data.empty())
      report.at(part.path, "this API takes no reasoning that another vendor has signed");
    reasoning += part.text;
  }
  // Unsigned reasoning of earlier turns is read by no model of another dialect, so leaving it out
  // changes nothing.
  if (report.is_same_dialect()) put(out, "reasoning_content", reasoning);
}

json::Value write_call(const ToolCall& call, Report& report) {
  json::Object out = {{"id", call.id}, {"type", "function"}};
  const bool is_custom = report.is_same_dialect() && text_of(call.extra, "type") == "custom";
  if (is_custom) {
    out["type"] = "custom";
    out["custom"] = {{"name", call.name}, {"input", call.arguments}};
  } else {
    out["function"] = {{"name", call.name},
                       {"arguments", call.arguments.empty() ? "{}" : call.arguments}};
  }
  if (report.is_same_dialect()) merge(out, call.extra);
  return out;
}

json::Value write_message(const Message& message, Report& report) {
  json::Object out = {{"role", json::name(message.role)}};
  put(out, "name", message.name);
  if (message.role == Role::tool) {
    out["tool_call_id"] = message.tool_call_id;
    if (message.is_error) {
      write_parts(message, report);  // For its report.
      out["content"] = output_of(message);
      return out;
    }
  }
  if (is_plain(message, report)) {
    out["content"] = text_of(message.parts);
  } else {
    json::Array content = write_parts(message, report);
    if (!content.empty() || message.role != Role::assistant) out["content"] = std::move(content);
  }
  if (message.role == Role::assistant) write_reasoning(out, message, report);
  if (!message.tool_calls.empty()) {
    json::Array calls;
    for (const ToolCall& call : message.tool_calls) calls.push_back(write_call(call, report));
    out["tool_calls"] = std::move(calls);
    if (!out.contains("content")) out["content"] = nullptr;
  }
  if (report.is_same_dialect()) merge(out, message.extra);
  if (!out.contains("content")) out["content"] = "";
  return out;
}

void write_tools(json::Object& out, const ChatRequest& request, Report& report) {
  json::Array tools;
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted) {
      if (report.is_same_dialect()) tools.push_back(tool.extra);
      continue;
    }
    json::Object function = {{"name", tool.name}};
    put(function, "description", tool.description);
    if (!tool.parameters.is_null()) function["parameters"] = tool.parameters;
    put(function, "strict", tool.strict);
    json::Object item = {{"type", "function"}, {"function", std::move(function)}};
    if (report.is_same_dialect()) merge(item, tool.extra);
    tools.push_back(std::move(item));
  }
  if (tools.empty()) return;
  out["tools"] = std::move(tools);
  write_tool_choice(out, request, /*is_nested=*/true);
  put(out, "parallel_tool_calls", request.parallel_tool_calls);
}

void write_reasoning_wish(json::Object& out, const ChatRequest& request, Report& report) {
  put(out, "reasoning_effort", request.reasoning_effort);
  if (!request.reasoning_tokens) return;
  if (*request.reasoning_tokens == 0)
    out["reasoning_effort"] = "none";
  else
    report.member("reasoning_tokens", "this API knows reasoning_effort, no number of tokens");
}

}  // namespace

json::Value OpenAiCodec::encode_request(const ChatRequest& request,
                                        std::vector<Unsupported>& unsupported) const {
  Report report(request, dialect(), unsupported);
  json::Object out = {{"model", request.model}};
  json::Array messages;
  for (const Message& message : request.messages)
    messages.push_back(write_message(message, report));
  out["messages"] = std::move(messages);
  if (request.max_tokens) {
    const std::string word = spelled(request, "max_tokens");
    out[report.is_same_dialect() ? word : "max_completion_tokens"] = *request.max_tokens;
  }
  write_sampling(out, request, report);
  if (request.logprobs) out["logprobs"] = true;
  put(out, "top_logprobs", request.top_logprobs);
  write_tools(out, request, report);
  write_reasoning_wish(out, request, report);
  const ResponseFormat& format = request.response_format;
  if (format.kind == ResponseKind::json_object) out["response_format"] = {{"type", "json_object"}};
  if (format.kind == ResponseKind::json_schema)
    out["response_format"] = {{"type", "json_schema"}, {"json_schema", write_json_schema(format)}};
  put(out, "user", request.user);
  if (!request.metadata.empty()) out["metadata"] = request.metadata;
  if (request.stream) {
    out["stream"] = true;
    out["stream_options"] = {{"include_usage", true}};  // Whoever counts needs it.
  }
  if (report.is_same_dialect()) merge(out, request.extra);
  merge(out, family_extra(request, dialect()));
  return out;
}

}  // namespace slipway::dialects::detail
