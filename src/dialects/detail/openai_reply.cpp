// Chat completions: whole answers and errors, both ways.
#include "core/clock.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

json::Value write_choice(const Choice& choice, std::size_t index, bool with_logprobs) {
  std::string text, refusal, reasoning;
  bool has_text = false;
  for (const Part& part : choice.parts) {
    has_text = has_text || part.kind == PartKind::text;
    if (part.kind == PartKind::text) text += part.text;
    if (part.kind == PartKind::refusal) refusal += part.text;
    if (part.kind == PartKind::reasoning) reasoning += part.text;
  }
  json::Object message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (has_text || (refusal.empty() && choice.tool_calls.empty())) message["content"] = text;
  put(message, "refusal", refusal);
  put(message, "reasoning_content", reasoning);
  json::Array annotations;
  for (const Annotation& annotation : choice.annotations)
    annotations.push_back(write_annotation(annotation, /*is_nested=*/true));
  message["annotations"] = std::move(annotations);
  if (!choice.tool_calls.empty()) {
    json::Array calls;
    for (const ToolCall& call : choice.tool_calls) {
      json::Object item = {{"id", call.id.empty() ? new_id("call_") : call.id},
                           {"type", "function"},
                           {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
      calls.push_back(std::move(item));
    }
    message["tool_calls"] = std::move(calls);
  }
  json::Object out = {{"index", index},
                      {"message", std::move(message)},
                      {"logprobs", nullptr},
                      {"finish_reason", finish_word(choice.finish_reason)}};
  if (with_logprobs)
    out["logprobs"] = {{"content", write_logprobs(choice.logprobs)}, {"refusal", nullptr}};
  return out;
}

void add_text(std::vector<Part>& parts, PartKind kind, std::string text) {
  if (text.empty()) return;
  Part part = text_part(std::move(text));
  part.kind = kind;
  parts.push_back(std::move(part));
}

std::string content_of(const json::Object& message) {
  const json::Array* parts = array_of(message, "content");
  if (parts == nullptr) return text_of(message, "content");
  std::string text;  // Mistral's way.
  for (const json::Value& part : *parts)
    if (part.is_object()) text += text_of(part.get_object(), "text");
  return text;
}

void read_calls(const json::Array& calls, Choice& choice) {
  for (const json::Value& item : calls) {
    if (!item.is_object()) continue;
    ToolCall call = read_call(item.get_object());
    const json::Object* custom = object_of(item.get_object(), "custom");
    if (object_of(item.get_object(), "function") == nullptr && custom != nullptr) {
      call.name = text_of(*custom, "name");
      call.arguments = text_of(*custom, "input");
      call.extra["type"] = "custom";
    }
    choice.tool_calls.push_back(std::move(call));
  }
}

Choice read_choice(const json::Object& object) {
  Choice choice;
  if (const json::Object* message = object_of(object, "message")) {
    std::string reasoning = text_of(*message, "reasoning_content");
    if (reasoning.empty()) reasoning = text_of(*message, "reasoning");
    add_text(choice.parts, PartKind::reasoning, std::move(reasoning));
    add_text(choice.parts, PartKind::text, content_of(*message));
    add_text(choice.parts, PartKind::refusal, text_of(*message, "refusal"));
    if (const json::Array* calls = array_of(*message, "tool_calls")) read_calls(*calls, choice);
    if (const json::Array* annotations = array_of(*message, "annotations"))
      for (const json::Value& item : *annotations)
        if (item.is_object()) choice.annotations.push_back(read_annotation(item.get_object()));
  }
  if (const json::Object* logprobs = object_of(object, "logprobs"))
    if (const json::Array* content = array_of(*logprobs, "content"))
      choice.logprobs = read_logprobs(*content);
  return choice;
}

}  // namespace

json::Value OpenAiCodec::encode_reply(const ChatRequest& request, const ChatReply& reply) const {
  json::Array choices;
  for (std::size_t i = 0; i < reply.choices.size(); ++i)
    choices.push_back(write_choice(reply.choices[i], i, request.logprobs));
  json::Object out =
      write_reply(request, reply, {"chatcmpl-", "chat.completion"}, std::move(choices));
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

json::Value OpenAiCodec::encode_error(const WireError& error) const { return write_error(error); }

WireError OpenAiCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

Result<ChatReply> OpenAiCodec::decode_reply(const json::Value& body) const {
  return read_reply(body, dialect(), read_choice);
}

}  // namespace slipway::dialects::detail
