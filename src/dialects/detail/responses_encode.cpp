// Responses as a client: what a deployment is asked.
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

json::Object family_extra(const ChatRequest& request, Dialect to) {
  json::Object extra;
  const bool from_family =
      request.from == Dialect::openai || request.from == Dialect::openai_responses;
  if (!from_family || request.from == to) return extra;
  for (const std::string_view key : family_keys)
    if (const json::Value* value = request.extra.if_contains(key)) extra[key] = *value;
  if (to == Dialect::openai) {
    if (const json::Object* text = object_of(request.extra, "text"))
      if (const json::Value* verbosity = text->if_contains("verbosity"))
        extra["verbosity"] = *verbosity;
  } else if (const json::Value* verbosity = request.extra.if_contains("verbosity")) {
    extra["text"] = {{"verbosity", *verbosity}};
  }
  return extra;
}

namespace {

/// Null: cannot be said.
json::Value write_part(const Part& part, Report& report) {
  switch (part.kind) {
    case PartKind::text: return {{"type", "input_text"}, {"text", part.text}};
    case PartKind::refusal: return refusal_part(part.text);
    case PartKind::image: {
      json::Object out = {{"type", "input_image"}};
      if (!part.data.empty())
        out["image_url"] = data_uri(part, "image/png");
      else
        put(out, "image_url", part.url);
      out["detail"] = part.detail.empty() ? "auto" : part.detail;
      return out;
    }
    case PartKind::document: {
      json::Object out = {{"type", "input_file"}};
      put(out, "file_url", part.url);
      write_file(out, part);
      return out;
    }
    case PartKind::audio: report.at(part.path, "OpenAI's responses have no audio"); break;
    case PartKind::reasoning: break;  // An item of its own.
    case PartKind::opaque:
      if (report.is_same_dialect()) return part.extra;
      break;
  }
  return nullptr;
}

json::Value write_content(const Message& message, Report& report) {
  const bool is_plain = message.parts.size() == 1 && message.parts[0].kind == PartKind::text &&
                        !message.parts[0].cache_here && message.parts[0].extra.empty();
  if (is_plain) return json::Value(message.parts[0].text);
  json::Array content;
  for (const Part& part : message.parts) {
    json::Value item = write_part(part, report);
    if (!item.is_object()) continue;
    write_cache_breakpoint(item.get_object(), part);
    if (report.is_same_dialect()) merge(item.get_object(), part.extra);
    content.push_back(std::move(item));
  }
  return content;
}

void write_assistant(json::Array& input, const Message& message, Report& report) {
  constexpr Dialect dialect = Dialect::openai_responses;
  json::Array content;
  for (const Part& part : message.parts) {
    if (part.kind == PartKind::reasoning) {
      // Without its encrypted content an item of the vendor's is nothing that he can read.
      if (part.signature.empty() && part.data.empty()) continue;
      if (part.signed_by == dialect)
        input.push_back(reasoning_item(new_id("rs_"), part));
      else
        report.at(part.path, "this API takes no reasoning that another vendor has signed");
    } else if (part.kind == PartKind::text) {
      content.push_back(output_text_part(part.text));
    } else {
      json::Value item = write_part(part, report);
      if (item.is_object()) content.push_back(std::move(item));
    }
  }
  if (!content.empty()) {
    json::Object item = message_item(new_id("msg_"), std::move(content), "completed");
    if (report.is_same_dialect()) merge(item, message.extra);
    input.push_back(std::move(item));
  }
  for (const ToolCall& call : message.tool_calls) {
    json::Object item = {{"type", "function_call"},
                         {"call_id", call.id},
                         {"name", call.name},
                         {"arguments", call.arguments.empty() ? "{}" : call.arguments}};
    if (report.is_same_dialect()) merge(item, call.extra);
    input.push_back(std::move(item));
  }
}

void write_message(json::Array& input, const Message& message, Report& report) {
  if (!message.name.empty()) report.at(join(message.path, "name"));
  if (message.role == Role::assistant) return write_assistant(input, message, report);
  if (message.parts.size() == 1 && message.parts[0].kind == PartKind::opaque) {
    if (report.is_same_dialect()) input.push_back(message.parts[0].extra);
    return;
  }
  json::Object item;
  if (message.role == Role::tool) {
    item = {{"type", "function_call_output"}, {"call_id", message.tool_call_id}};
    item["output"] =
        message.is_error ? json::Value(output_of(message)) : write_content(message, report);
  } else {
    item = {{"type", "message"}, {"role", json::name(message.role)}};
    item["content"] = write_content(message, report);
  }
  if (report.is_same_dialect()) merge(item, message.extra);
  input.push_back(std::move(item));
}

void write_tools(json::Object& out, const ChatRequest& request, Report& report) {
  json::Array tools;
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted) {
      if (report.is_same_dialect()) tools.push_back(tool.extra);
      continue;
    }
    json::Object item = {{"type", "function"}, {"name", tool.name}};
    put(item, "description", tool.description);
    item["parameters"] = tool.parameters;
    // Left out it would mean true here, and nothing elsewhere.
    item["strict"] = tool.strict.value_or(false);
    if (report.is_same_dialect()) merge(item, tool.extra);
    tools.push_back(std::move(item));
  }
  if (tools.empty()) return;
  out["tools"] = std::move(tools);
  write_tool_choice(out, request, /*is_nested=*/false);
  put(out, "parallel_tool_calls", request.parallel_tool_calls);
}

void refuse_what_chat_had(const ChatRequest& request, Report& report) {
  if (!request.stop.empty()) report.member("stop");
  if (request.seed) report.member("seed");
  if (request.frequency_penalty.value_or(0) != 0) report.member("frequency_penalty");
  if (request.presence_penalty.value_or(0) != 0) report.member("presence_penalty");
  if (request.repeat_penalty.value_or(1) != 1) report.member("repeat_penalty");
  if (request.top_k) report.member("top_k");
  if (request.min_p) report.member("min_p");
  if (request.choices.value_or(1) != 1) report.member("choices", "one answer a call");
  if (!request.logit_bias.empty()) report.member("logit_bias");
}

void write_format(json::Object& out, const ResponseFormat& format) {
  if (format.kind == ResponseKind::text) return;
  json::Object object;
  if (format.kind == ResponseKind::json_schema) object = write_json_schema(format);
  object["type"] = json::name(format.kind);
  out["text"] = {{"format", std::move(object)}};
}

}  // namespace

json::Value ResponsesCodec::encode_request(const ChatRequest& request,
                                           std::vector<Unsupported>& unsupported) const {
  Report report(request, dialect(), unsupported);
  json::Object out = {{"model", request.model}, {"store", false}};
  json::Array input;
  for (const Message& message : request.messages) {
    if (message.path == "instructions" && message.role == Role::system)
      out["instructions"] = text_of(message.parts);
    else
      write_message(input, message, report);
  }
  out["input"] = std::move(input);
  put(out, "max_output_tokens", request.max_tokens);
  put(out, "temperature", request.temperature);
  put(out, "top_p", request.top_p);
  refuse_what_chat_had(request, report);
  json::Array include;
  if (request.logprobs) include.push_back("message.output_text.logprobs");
  if (request.logprobs) put(out, "top_logprobs", request.top_logprobs);
  if (const json::Array* more = array_of(request.extra, "include");
      more && report.is_same_dialect())
    include.insert(include.end(), more->begin(), more->end());
  if (!include.empty()) out["include"] = std::move(include);
  write_tools(out, request, report);
  write_format(out, request.response_format);
  if (!request.reasoning_effort.empty()) out["reasoning"] = {{"effort", request.reasoning_effort}};
  if (request.reasoning_tokens == 0) out["reasoning"] = {{"effort", "none"}};
  if (request.reasoning_tokens.value_or(0) > 0)
    report.member("reasoning_tokens", "this API knows reasoning.effort, no number of tokens");
  put(out, "user", request.user);
  if (!request.metadata.empty()) out["metadata"] = request.metadata;
  if (request.stream) out["stream"] = true;
  if (report.is_same_dialect()) {
    if (const json::Value* store = request.extra.if_contains("store")) out["store"] = *store;
    merge(out, request.extra);
  }
  merge(out, family_extra(request, dialect()));
  return out;
}

}  // namespace slipway::dialects::detail
