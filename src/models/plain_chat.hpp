// The plain half of chat models that are made to converse: collections and agents as models.
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

}  // namespace slipway::models
