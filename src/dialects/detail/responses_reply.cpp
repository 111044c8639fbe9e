// Responses: whole answers and errors, both ways.
#include "core/clock.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

json::Object write_responses_usage(const ChatUsage& usage) {
  return {{"input_tokens", usage.input_tokens},
          {"input_tokens_details",
           {{"cached_tokens", usage.cached_input_tokens},
            {"cache_write_tokens", usage.cache_write_tokens}}},
          {"output_tokens", usage.output_tokens},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
          {"total_tokens", usage.input_tokens + usage.output_tokens}};
}

ChatUsage read_responses_usage(const json::Object& usage) {
  ChatUsage read;
  read.input_tokens = whole_of(usage, "input_tokens");
  read.output_tokens = whole_of(usage, "output_tokens");
  if (const json::Object* details = object_of(usage, "input_tokens_details")) {
    read.cached_input_tokens = whole_of(*details, "cached_tokens");
    read.cache_write_tokens = whole_of(*details, "cache_write_tokens");
  }
  if (const json::Object* details = object_of(usage, "output_tokens_details"))
    read.reasoning_tokens = whole_of(*details, "reasoning_tokens");
  return read;
}

namespace {

json::Array tools_of(const ChatRequest& request) {
  json::Array tools;
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted) {
      tools.push_back(tool.extra);
      continue;
    }
    json::Object item = {{"type", "function"},
                         {"name", tool.name},
                         {"description", nullptr},
                         {"parameters", tool.parameters},
                         {"strict", tool.strict.value_or(false)}};
    put(item, "description", tool.description);
    tools.push_back(std::move(item));
  }
  return tools;
}

json::Object format_of(const ResponseFormat& format) {
  json::Object out;
  if (format.kind == ResponseKind::json_schema) out = write_json_schema(format);
  out["type"] = json::name(format.kind);
  return out;
}

}  // namespace

json::Object response_head(const ChatRequest& request, const std::string& id,
                           std::int64_t created) {
  json::Object out = {{"id", id},
                      {"object", "response"},
                      {"created_at", created},
                      {"status", "in_progress"},
                      {"background", false},
                      {"error", nullptr},
                      {"incomplete_details", nullptr},
                      {"instructions", nullptr},
                      {"max_output_tokens", nullptr},
                      {"metadata", request.metadata},
                      {"model", request.model},
                      {"output", json::Array()},
                      {"parallel_tool_calls", request.parallel_tool_calls.value_or(true)},
                      {"previous_response_id", nullptr},
                      {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                      {"store", false},
                      {"temperature", request.temperature.value_or(1)},
                      {"text", {{"format", format_of(request.response_format)}}},
                      {"tool_choice", "auto"},
                      {"tools", tools_of(request)},
                      {"top_logprobs", request.top_logprobs.value_or(0)},
                      {"top_p", request.top_p.value_or(1)},
                      {"truncation", "disabled"},
                      {"usage", nullptr},
                      {"user", nullptr}};
  if (!request.messages.empty() && request.messages.front().path == "instructions")
    out["instructions"] = text_of(request.messages.front().parts);
  put(out, "max_output_tokens", request.max_tokens);
  put(out, "user", request.user);
  if (!request.reasoning_effort.empty())
    out["reasoning"].get_object()["effort"] = request.reasoning_effort;
  write_tool_choice(out, request, /*is_nested=*/false);
  return out;
}

void write_status(json::Object& response, FinishReason reason) {
  response["status"] = "completed";
  if (reason != FinishReason::length && reason != FinishReason::content_filter) return;
  response["status"] = "incomplete";
  response["incomplete_details"] = {
      {"reason", reason == FinishReason::length ? "max_output_tokens" : "content_filter"}};
}

FinishReason read_status(const json::Object& response) {
  const std::string status = text_of(response, "status");
  if (status == "failed" || status == "cancelled") return FinishReason::error;
  if (status != "incomplete") return FinishReason::stop;
  const json::Object* details = object_of(response, "incomplete_details");
  const bool is_filter = details != nullptr && text_of(*details, "reason") == "content_filter";
  return is_filter ? FinishReason::content_filter : FinishReason::length;
}

json::Object output_text_part(std::string_view text) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", json::Array()},
          {"logprobs", json::Array()}};
}

json::Object refusal_part(std::string_view text) {
  return {{"type", "refusal"}, {"refusal", text}};
}

json::Object message_item(std::string_view id, json::Array content, std::string_view status) {
  return {{"id", id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

json::Object call_item(std::string_view id, const ToolCall& call, std::string_view status) {
  return {{"id", id},           {"type", "function_call"}, {"status", status},
          {"call_id", call.id}, {"name", call.name},       {"arguments", call.arguments}};
}

json::Object reasoning_item(std::string_view id, const Part& part) {
  json::Array summary;
  if (!part.text.empty())
    summary.push_back(json::Object{{"type", "summary_text"}, {"text", part.text}});
  json::Object out = {{"id", id}, {"type", "reasoning"}, {"summary", std::move(summary)}};
  put(out, "encrypted_content", write_signature(part.signature, part.signed_by));
  return out;
}

namespace {

constexpr std::string_view anthropic_mark = "anthropic.";

}  // namespace

std::string write_signature(const std::string& signature, std::optional<Dialect> signed_by) {
  if (signature.empty() || signed_by != Dialect::anthropic) return signature;
  return std::string(anthropic_mark) + signature;
}

void read_signature(std::string content, Part& part) {
  part.signed_by = Dialect::openai_responses;
  if (content.starts_with(anthropic_mark)) {
    content.erase(0, anthropic_mark.size());
    part.signed_by = Dialect::anthropic;
  }
  part.signature = std::move(content);
}

namespace {

json::Array write_output(const ChatRequest& request, const Choice& choice) {
  json::Array output, content;
  json::Object* text = nullptr;
  for (const Part& part : choice.parts) {
    if (part.kind == PartKind::reasoning) {
      if (!part.text.empty() || !part.signature.empty())
        output.push_back(reasoning_item(new_id("rs_"), part));
    } else if (part.kind == PartKind::refusal) {
      content.push_back(refusal_part(part.text));
    } else if (part.kind == PartKind::opaque) {
      output.push_back(part.extra);
    } else if (!content.empty() && content.back().get_object().contains("text")) {
      // One part, since annotations count over all of the text.
      json::Value& text_so_far = content.back().get_object()["text"];
      text_so_far = std::string(text_so_far.get_string()) + part.text;
    } else {
      content.push_back(output_text_part(part.text));
    }
  }
  for (json::Value& part : content)
    if (text == nullptr && text_of(part.get_object(), "type") == "output_text")
      text = &part.get_object();
  if (text != nullptr) {
    for (const Annotation& annotation : choice.annotations)
      (*text)["annotations"].get_array().push_back(
          write_annotation(annotation, /*is_nested=*/false));
    if (request.logprobs) (*text)["logprobs"] = write_logprobs(choice.logprobs);
  }
  const bool is_cut = choice.finish_reason == FinishReason::length;
  if (!content.empty())
    output.push_back(
        message_item(new_id("msg_"), std::move(content), is_cut ? "incomplete" : "completed"));
  for (ToolCall call : choice.tool_calls) {
    if (call.id.empty()) call.id = new_id("call_");
    output.push_back(call_item(new_id("fc_"), call, "completed"));
  }
  return output;
}

void add_part(std::vector<Part>& parts, PartKind kind, std::string text) {
  Part part = text_part(std::move(text));
  part.kind = kind;
  parts.push_back(std::move(part));
}

void read_content(const json::Array& content, Choice& choice) {
  for (const json::Value& item : content) {
    if (!item.is_object()) continue;
    const json::Object& part = item.get_object();
    if (text_of(part, "type") == "refusal") {
      add_part(choice.parts, PartKind::refusal, text_of(part, "refusal"));
      continue;
    }
    const std::size_t before = length_of(text_of(choice.parts));
    add_part(choice.parts, PartKind::text, text_of(part, "text"));
    if (const json::Array* annotations = array_of(part, "annotations"))
      for (const json::Value& annotation : *annotations)
        if (annotation.is_object()) {
          choice.annotations.push_back(read_annotation(annotation.get_object()));
          choice.annotations.back().start += before;
          choice.annotations.back().end += before;
        }
    if (const json::Array* logprobs = array_of(part, "logprobs"))
      for (TokenLogprob& token : read_logprobs(*logprobs))
        choice.logprobs.push_back(std::move(token));
  }
}

std::string summary_of(const json::Object& item) {
  for (const std::string_view key : {"content", "summary"}) {
    std::string text;
    if (const json::Array* parts = array_of(item, key))
      for (const json::Value& part : *parts)
        if (part.is_object())
          text += (text.empty() ? "" : "\n\n") + text_of(part.get_object(), "text");
    if (!text.empty()) return text;
  }
  return {};
}

void read_item(const json::Object& item, Choice& choice) {
  const std::string type = text_of(item, "type");
  if (type == "message") {
    if (const json::Array* content = array_of(item, "content")) read_content(*content, choice);
  } else if (type == "function_call") {
    ToolCall call;
    call.id = text_of(item, "call_id");
    call.name = text_of(item, "name");
    call.arguments = text_of(item, "arguments");
    choice.tool_calls.push_back(std::move(call));
  } else if (type == "reasoning") {
    add_part(choice.parts, PartKind::reasoning, summary_of(item));
    read_signature(text_of(item, "encrypted_content"), choice.parts.back());
  } else {
    Part part;
    part.kind = PartKind::opaque;
    part.extra = item;
    choice.parts.push_back(std::move(part));
  }
}

}  // namespace

json::Value ResponsesCodec::encode_reply(const ChatRequest& request, const ChatReply& reply) const {
  const Choice choice = reply.choices.empty() ? Choice{} : reply.choices.front();
  json::Object out = response_head(request, id_of("resp_", reply.id), reply.created);
  if (!reply.model.empty()) out["model"] = reply.model;
  out["output"] = write_output(request, choice);
  write_status(out, choice.finish_reason);
  out["usage"] = write_responses_usage(reply.usage);
  return out;
}

Result<ChatReply> ResponsesCodec::decode_reply(const json::Value& body) const {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect();
  reply.id = in.text("id");
  reply.model = in.text("model");
  const json::Array* output = in.array("output");
  if (output == nullptr) in.refuse(fail(Code::unavailable, "output: is missing"));
  if (const json::Object* usage = in.object("usage")) reply.usage = read_responses_usage(*usage);
  if (auto status = in.status(); !status) return not_this_dialect(dialect(), status.error());
  reply.created = whole_of(body.get_object(), "created_at");
  Choice choice;
  for (const json::Value& item : *output) {
    if (!item.is_object()) return not_this_dialect(dialect(), expected("output", "objects", item));
    read_item(item.get_object(), choice);
  }
  choice.finish_reason = read_status(body.get_object());
  if (choice.finish_reason == FinishReason::error) {
    const json::Object* error = object_of(body.get_object(), "error");
    return failed_answer(error ? text_of(*error, "message") : "");
  }
  if (choice.finish_reason == FinishReason::stop && !choice.tool_calls.empty())
    choice.finish_reason = FinishReason::tool_calls;
  reply.choices.push_back(std::move(choice));
  return reply;
}

json::Value ResponsesCodec::encode_error(const WireError& error) const {
  return write_error(error);
}

WireError ResponsesCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

}  // namespace slipway::dialects::detail
