#include "core/unicode.hpp"
#include "models/detail/chat_request.hpp"
#include "models/detail/reply_text.hpp"
#include "models/detail/scripted_reply.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace detail {

std::string_view take_word(std::string_view& text) {
  std::size_t end = text.find_first_not_of(" \t\r\n");
  if (end != std::string_view::npos) end = text.find_first_of(" \t\r\n", end);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t count = 0;
  while (!text.empty())
    if (!unicode::trim(take_word(text)).empty()) ++count;
  return count;
}

}  // namespace detail

namespace {

using detail::count_words;
using detail::take_word;

/// The replies one after another, also when many threads ask.
ScriptedChatModel::Script in_order(std::vector<std::string> replies) {
  struct State {
    std::vector<std::string> replies;
    std::atomic<std::size_t> next{0};
  };
  auto state = std::make_shared<State>();
  state->replies = std::move(replies);
  return [state](const ChatRequest&) -> Result<std::string> {
    const std::size_t turn = state->next++;
    if (turn >= state->replies.size())
      return fail(Code::unavailable, "the scripted model has no reply left after {}",
                  state->replies.size());
    return state->replies[turn];
  };
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// For `chat` of a model that is scripted in conversations.
ScriptedChatModel::Script texts_of(ScriptedChatModel::Conversation conversation) {
  return
      [conversation = std::move(conversation)](const ChatRequest& request) -> Result<std::string> {
        dialects::ChatRequest whole;
        for (const Message& message : request.messages) {
          whole.messages.emplace_back();
          whole.messages.back().role = message.role == Role::system ? dialects::Role::system
                                       : message.role == Role::user ? dialects::Role::user
                                                                    : dialects::Role::assistant;
          whole.messages.back().parts.emplace_back();
          whole.messages.back().parts.back().text = message.content;
        }
        const ScriptedTurn turn = TRY(conversation(whole));
        if (turn.error) return *turn.error;
        return turn.text;
      };
}

}  // namespace

ScriptedChatModel::ScriptedChatModel(Script script) : script_(std::move(script)) {}
ScriptedChatModel::ScriptedChatModel(Conversation conversation)
    : script_(texts_of(conversation)), conversation_(std::move(conversation)) {}
ScriptedChatModel::ScriptedChatModel(std::vector<std::string> replies)
    : script_(in_order(std::move(replies))) {}

const std::string& ScriptedChatModel::identity() const {
  static const std::string text = "scripted@1";
  return text;
}

const std::string& ScriptedChatModel::name() const {
  static const std::string text = "scripted";
  return text;
}

Result<std::size_t> ScriptedChatModel::count_tokens(std::string_view text) const {
  return static_cast<std::size_t>(count_words(text));
}

Result<std::string> ScriptedChatModel::render(const ChatRequest& request) const {
  TRY(detail::check_request(request));
  std::string text;
  for (const Message& message : request.messages)
    text += fmt::format("{}: {}\n", json::name(message.role), message.content);
  return text;
}

Result<ChatReply> ScriptedChatModel::chat(const Context& context, const ChatRequest& request,
                                          const TokenSink& sink) {
  const auto start = std::chrono::steady_clock::now();
  const std::string prompt = TRY(render(request));
  TRY(context.check());
  const auto prompt_tokens = static_cast<std::size_t>(count_words(prompt));
  if (prompt_tokens >= context_tokens_max())
    return context_overflow(prompt_tokens, name(), context_tokens_max());
  requests_.with([&](auto& all) { all.push_back(request); });
  const std::string script = TRY(script_(request));

  ChatReply reply;
  detail::ReplyText text(request.stop, sink);
  for (std::string_view rest = script; !rest.empty();) {
    TRY(context.check());
    if (reply.usage.output_tokens == request.max_tokens) {
      reply.finish_reason = FinishReason::length;
      break;
    }
    ++reply.usage.output_tokens;
    const bool goes_on = text.add(take_word(rest));
    if (reply.usage.output_tokens == 1) reply.first_token_ms = milliseconds_since(start);
    if (!goes_on) break;
  }
  text.finish();
  if (text.is_refused()) reply.finish_reason = FinishReason::cancelled;
  reply.content = text.text();
  reply.usage.input_tokens = static_cast<std::int64_t>(prompt_tokens);
  reply.total_ms = milliseconds_since(start);
  return reply;
}

std::vector<ChatRequest> ScriptedChatModel::requests() const {
  return requests_.with([](const auto& all) { return all; });
}

}  // namespace slipway::models
