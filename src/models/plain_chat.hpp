// What chat models that no vendor made have in common: collections and agents as models.
#pragma once

#include <utility>

#include "models/chat_model.hpp"

namespace slipway::models {

/// What `ChatModel::chat` gives and streams, by `converse` of the same model: its text and tokens.
/// Fails: as `converse`.
inline Result<ChatReply> chat_by_converse(ChatModel& model, const Context& context,
                                          const dialects::ChatRequest& request,
                                          const TokenSink& sink) {
  EventSink listen;
  if (sink)
    listen = [&](const dialects::ChatEvent& event) {
      return event.kind != dialects::EventKind::text || sink(event.text);
    };
  const auto reply = TRY(model.converse(context, request, listen));
  ChatReply out;
  for (const dialects::Part& part : reply.choices.front().parts) out.content += part.text;
  out.usage.input_tokens = reply.usage.input_tokens;
  out.usage.output_tokens = reply.usage.output_tokens;
  return out;
}

/// Only what writes token by token has these; `why` says what answers instead. Fails: unsupported,
/// with the name of the first that is asked for.
inline Result<void> refuse_token_options(const dialects::ChatRequest& request,
                                         std::string_view why) {
  const std::pair<bool, std::string_view> refused[] = {
      {!request.tools.empty(), "tools"},
      {request.response_format.kind != dialects::ResponseKind::text, "response_format"},
      {request.logprobs, "logprobs"},
      {request.choices.value_or(1) != 1, "n"},
      {!request.logit_bias.empty(), "logit_bias"},
      {!request.stop.empty(), "stop"}};
  for (const auto& [is_asked, parameter] : refused)
    if (is_asked) return fail(Code::unsupported, "{}: {}", parameter, why);
  return {};
}

}  // namespace slipway::models
