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
    ToolCall call;
    call.id = text_of(item.get_object(), "id");
    if (call.id.empty()) call.id = new_id("call_");
    if (const json::Object* function = object_of(item.get_object(), "function")) {
      call.name = text_of(*function, "name");
      call.arguments = text_of(*function, "arguments");
    } else if (const json::Object* custom = object_of(item.get_object(), "custom")) {
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
  choice.finish_reason = finish_reason(text_of(object, "finish_reason"));
  // Some servers say "stop" after calls.
  if (choice.finish_reason == FinishReason::stop && !choice.tool_calls.empty())
    choice.finish_reason = FinishReason::tool_calls;
  return choice;
}

}  // namespace

json::Value OpenAiCodec::encode_reply(const ChatRequest& request, const ChatReply& reply) const {
  json::Array choices;
  for (std::size_t i = 0; i < reply.choices.size(); ++i)
    choices.push_back(write_choice(reply.choices[i], i, request.logprobs));
  json::Object out = {{"id", id_of("chatcmpl-", reply.id)},
                      {"object", "chat.completion"},
                      {"created", reply.created},
                      {"model", reply.model.empty() ? request.model : reply.model},
                      {"choices", std::move(choices)},
                      {"usage", write_usage(reply.usage)}};
  put(out, "system_fingerprint", reply.fingerprint);
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

json::Value OpenAiCodec::encode_error(const WireError& error) const { return write_error(error); }

WireError OpenAiCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

Result<ChatReply> OpenAiCodec::decode_reply(const json::Value& body) const {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect();
  reply.id = in.text("id");
  reply.model = in.text("model");
  reply.fingerprint = in.text("system_fingerprint");
  in.skip("object");
  if (const json::Value* created = in.find("created"); created && created->is_number())
    reply.created = whole_of(body.get_object(), "created");
  const json::Array* choices = in.array("choices");
  if (choices == nullptr) in.refuse(fail(Code::unavailable, "choices: is missing"));
  if (const json::Object* usage = in.object("usage")) reply.usage = read_usage(*usage);
  if (auto status = in.status(); !status) return not_this_dialect(dialect(), status.error());
  for (const json::Value& item : *choices) {
    if (!item.is_object()) return not_this_dialect(dialect(), expected("choices", "objects", item));
    reply.choices.push_back(read_choice(item.get_object()));
    if (reply.choices.back().finish_reason == FinishReason::error) return failed_answer({});
  }
  if (reply.choices.empty())
    return not_this_dialect(dialect(), fail(Code::unavailable, "choices: has none"));
  reply.extra = in.rest();
  return reply;
}

}  // namespace slipway::dialects::detail
