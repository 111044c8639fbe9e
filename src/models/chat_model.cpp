#include "models/chat_model.hpp"

#include "models/detail/conversation.hpp"

namespace slipway::models {

namespace {

constexpr std::string_view overflow_begin = "the prompt has ";
constexpr std::string_view overflow_middle = " tokens, but the context of model '";

/// Refuses what `chat` has no words for.
Result<void> check_plain(const dialects::ChatRequest& request, std::string_view model) {
  const std::string remedy = "leave it out or ask another model";
  const auto refuse = [&](std::string_view parameter) {
    return detail::not_taken(parameter, model, remedy);
  };
  if (!request.tools.empty() && request.tool_choice != dialects::ToolChoice::none)
    return refuse("tools");
  if (request.response_format.kind != dialects::ResponseKind::text)
    return refuse("response_format");
  if (request.logprobs || request.top_logprobs.value_or(0) > 0) return refuse("logprobs");
  if (!request.logit_bias.empty()) return refuse("logit_bias");
  if (request.min_p.value_or(0) != 0) return refuse("min_p");
  if (request.frequency_penalty.value_or(0) != 0) return refuse("frequency_penalty");
  if (request.presence_penalty.value_or(0) != 0) return refuse("presence_penalty");
  if (!request.reasoning_effort.empty()) return refuse("reasoning_effort");
  if (request.reasoning_tokens) return refuse("reasoning_tokens");
  return {};
}

ChatRequest plain_request(const dialects::ChatRequest& request, std::vector<Message> messages) {
  ChatRequest plain;
  plain.messages = std::move(messages);
  if (request.max_tokens) plain.max_tokens = static_cast<int>(*request.max_tokens);
  plain.temperature = request.temperature.value_or(plain.temperature);
  plain.top_p = request.top_p.value_or(plain.top_p);
  plain.top_k = static_cast<int>(request.top_k.value_or(plain.top_k));
  plain.repeat_penalty = request.repeat_penalty.value_or(plain.repeat_penalty);
  plain.seed = static_cast<std::uint64_t>(request.seed.value_or(0));
  plain.stop = request.stop;
  return plain;
}

dialects::ChatEvent event(dialects::EventKind kind, std::size_t choice) {
  dialects::ChatEvent result;
  result.kind = kind;
  result.choice = choice;
  return result;
}

}  // namespace

Error context_overflow(std::size_t prompt_tokens, std::string_view model,
                       std::size_t context_tokens) {
  return fail(Code::invalid_argument,
              "{}{}{}{}' holds {} and one must be left for the reply; send less or raise "
              "context_tokens",
              overflow_begin, prompt_tokens, overflow_middle, model, context_tokens);
}

bool is_context_overflow(const Error& error) {
  const std::string_view message = error.message();
  return error.code() == Code::invalid_argument &&
         message.find(overflow_begin) < message.find(overflow_middle) &&
         message.find(overflow_middle) != std::string_view::npos;
}

Result<dialects::ChatReply> ChatModel::converse(const Context& context,
                                                const dialects::ChatRequest& request,
                                                const EventSink& sink) {
  TRY(detail::check_conversation(request));
  TRY(check_plain(request, name()));
  ChatRequest plain = plain_request(request, TRY(detail::plain_messages(request, name())));
  const auto choices = static_cast<std::size_t>(request.choices.value_or(1));
  detail::ReplyBuilder builder(request.model.empty() ? name() : request.model, choices, sink);
  Usage usage;
  for (std::size_t i = 0; i < choices && !builder.is_refused(); ++i) {
    const auto pass_on = [&](std::string_view piece) {
      auto text = event(dialects::EventKind::text, i);
      text.text = piece;
      return builder.add(std::move(text));
    };
    const ChatReply reply = TRY(chat(context, plain, sink ? TokenSink(pass_on) : TokenSink()));
    if (!sink && !reply.content.empty()) pass_on(reply.content);
    usage += reply.usage;
    auto finish = event(dialects::EventKind::finish, i);
    if (reply.finish_reason == FinishReason::length)
      finish.finish_reason = dialects::FinishReason::length;
    builder.add(std::move(finish));
    ++plain.seed;
  }
  return builder.finish(detail::usage_of(usage));
}

Result<std::size_t> ChatModel::count_prompt(const dialects::ChatRequest& request) const {
  constexpr std::size_t tokens_per_message = 4;  // What templates put around one, about.
  TRY(detail::check_conversation(request));
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const dialects::Message& message = request.messages[i];
    tokens +=
        tokens_per_message +
        TRY(count_tokens(TRY(detail::text_of(message, fmt::format("messages[{}]", i), name()))));
    for (const dialects::ToolCall& call : message.tool_calls)
      tokens += TRY(count_tokens(call.name)) + TRY(count_tokens(call.arguments));
  }
  for (const dialects::Tool& tool : request.tools)
    tokens += TRY(count_tokens(tool.name)) + TRY(count_tokens(tool.description)) +
              TRY(count_tokens(json::dump(tool.parameters)));
  return tokens;
}

}  // namespace slipway::models
