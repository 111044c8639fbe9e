#include <condition_variable>

#include "models/detail/conversation.hpp"
#include "models/detail/reply_text.hpp"
#include "models/detail/scripted_reply.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace detail {

// What a file of replies may hold.
struct ScriptedCallConfig {
  std::string id;
  std::string name;
  std::string arguments = "{}";
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(ScriptedCallConfig, (), (id, name, arguments))
struct ScriptedTurnConfig {
  std::string text;
  std::string reasoning;
  std::vector<ScriptedCallConfig> tool_calls;
  std::optional<dialects::FinishReason> finish_reason;
  std::string error;  ///< The reply breaks with `unavailable` and this message.
  std::uint32_t first_delay_ms = 0;
  std::uint32_t word_delay_ms = 0;
};
BOOST_DESCRIBE_STRUCT(ScriptedTurnConfig, (),
                      (text, reasoning, tool_calls, finish_reason, error, first_delay_ms,
                       word_delay_ms))

}  // namespace detail

namespace {

using dialects::ChatEvent;
using dialects::EventKind;

Result<void> pause(const Context& context, std::chrono::milliseconds time) {
  TRY(context.check());
  if (time.count() == 0) return {};
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const auto until = std::chrono::steady_clock::now() + time;
  never.wait_until(lock, context.stop(), std::min(until, context.deadline().value_or(until)),
                   [] { return false; });
  return context.check();
}

/// One choice of one conversation.
class Telling {
 public:
  Telling(const dialects::ChatRequest& request, std::size_t choice, detail::ReplyBuilder& builder)
      : request_(request), choice_(choice), builder_(builder) {}

  Result<void> tell(const Context& context, const ScriptedTurn& turn) {
    TRY(pause(context, turn.first_delay));
    if (!turn.reasoning.empty()) say(EventKind::reasoning, turn.reasoning);
    const TokenSink pass_on = [&](std::string_view piece) { return say(EventKind::text, piece); };
    detail::ReplyText text(request_.stop, pass_on);
    bool is_cut = false;
    for (std::string_view rest = turn.text; !rest.empty() && !builder_.is_refused();) {
      TRY(pause(context, turn.word_delay));
      is_cut = request_.max_tokens && tokens_ >= *request_.max_tokens;
      if (is_cut) break;
      ++tokens_;
      const std::string_view word = detail::take_word(rest);
      if (request_.logprobs) remember(word);
      if (!text.add(word)) break;
    }
    text.finish();
    if (!is_cut && !text.is_stopped()) tell_calls(turn);
    if (turn.error) return *turn.error;
    ChatEvent end = event(EventKind::finish);
    if (!turn.tool_calls.empty()) end.finish_reason = dialects::FinishReason::tool_calls;
    if (turn.finish_reason) end.finish_reason = *turn.finish_reason;
    if (text.is_stopped()) end.finish_reason = dialects::FinishReason::stop;
    if (text.is_stopped()) end.stop_sequence = text.stop();
    if (is_cut) end.finish_reason = dialects::FinishReason::length;
    builder_.add(std::move(end));
    return {};
  }
  std::int64_t tokens() const { return tokens_; }

 private:
  ChatEvent event(EventKind kind) const {
    ChatEvent result;
    result.kind = kind;
    result.choice = choice_;
    return result;
  }
  bool say(EventKind kind, std::string_view words) {
    ChatEvent said = event(kind);
    said.text = words;
    if (kind == EventKind::text) said.logprobs = std::exchange(logprobs_, {});
    return builder_.add(std::move(said));
  }
  /// Each word is certain; the others are made up, one half each.
  void remember(std::string_view word) {
    dialects::TokenLogprob token{std::string(word), std::string(word), 0, {}};
    for (std::int64_t i = 0; i < request_.top_logprobs.value_or(0); ++i)
      token.top.push_back(
          {fmt::format("word{}", i), fmt::format("word{}", i), -0.7 * static_cast<double>(i), {}});
    logprobs_.push_back(std::move(token));
  }
  void tell_calls(const ScriptedTurn& turn) {
    for (const dialects::Annotation& annotation : turn.annotations) {
      ChatEvent noted = event(EventKind::annotation);
      noted.annotation = annotation;
      builder_.add(std::move(noted));
    }
    for (std::size_t i = 0; i < turn.tool_calls.size(); ++i) {
      ChatEvent start = event(EventKind::tool_start);
      start.call_index = i;
      start.call = turn.tool_calls[i];
      start.call.arguments.clear();
      if (start.call.id.empty()) start.call.id = fmt::format("call_{}_{}", choice_, i);
      builder_.add(std::move(start));
      ++tokens_;
      const std::string& arguments = turn.tool_calls[i].arguments;
      for (std::string_view rest = arguments; !rest.empty();) {
        ChatEvent piece = event(EventKind::tool_delta);
        piece.call_index = i;
        piece.text = detail::take_word(rest);
        builder_.add(std::move(piece));
      }
    }
  }

  const dialects::ChatRequest& request_;
  std::size_t choice_;
  detail::ReplyBuilder& builder_;
  std::int64_t tokens_ = 0;
  std::vector<dialects::TokenLogprob> logprobs_;
};

std::int64_t words_of(const dialects::ChatRequest& request) {
  std::int64_t count = 0;
  for (const dialects::Message& message : request.messages) {
    for (const dialects::Part& part : message.parts) count += detail::count_words(part.text) + 1;
    for (const dialects::ToolCall& call : message.tool_calls)
      count += detail::count_words(call.arguments) + 1;
  }
  return count;
}

Result<ScriptedTurn> turn_of(const json::Value& value) {
  ScriptedTurn turn;
  if (value.is_string()) {
    turn.text = value.get_string();
    return turn;
  }
  auto config = TRY(json::from<detail::ScriptedTurnConfig>(value));
  turn.text = std::move(config.text);
  turn.reasoning = std::move(config.reasoning);
  for (auto& call : config.tool_calls)
    turn.tool_calls.push_back({call.id, call.name, call.arguments});
  turn.finish_reason = config.finish_reason;
  if (!config.error.empty()) turn.error = Error(Code::unavailable, config.error);
  turn.first_delay = std::chrono::milliseconds(config.first_delay_ms);
  turn.word_delay = std::chrono::milliseconds(config.word_delay_ms);
  return turn;
}

}  // namespace

Result<dialects::ChatReply> ScriptedChatModel::converse(const Context& context,
                                                        const dialects::ChatRequest& request,
                                                        const EventSink& sink) {
  if (!conversation_) {
    if (const auto checked = detail::check_conversation(request); !checked) return checked.error();
    conversations_.with([&](auto& all) { all.push_back(request); });
    return ChatModel::converse(context, request, sink);
  }
  TRY(detail::check_conversation(request));
  TRY(context.check());
  conversations_.with([&](auto& all) { all.push_back(request); });
  const std::int64_t prompt = words_of(request);
  if (static_cast<std::size_t>(prompt) >= context_tokens_max())
    return context_overflow(static_cast<std::size_t>(prompt), name(), context_tokens_max());
  const auto choices = static_cast<std::size_t>(request.choices.value_or(1));
  detail::ReplyBuilder builder(request.model.empty() ? name() : request.model, choices, sink);
  dialects::ChatUsage usage;
  for (std::size_t i = 0; i < choices && !builder.is_refused(); ++i) {
    const ScriptedTurn turn = TRY(conversation_(request));
    Telling telling(request, i, builder);
    TRY(telling.tell(context, turn));
    usage.output_tokens += telling.tokens();
  }
  usage.input_tokens = prompt;
  return builder.finish(usage);
}

std::vector<dialects::ChatRequest> ScriptedChatModel::conversations() const {
  return conversations_.with([](const auto& all) { return all; });
}

Result<ScriptedChatModel::Conversation> script_of(const json::Value& replies) {
  if (!replies.is_array())
    return fail(Code::invalid_argument, "$: expected a list of replies, got {}",
                json::kind_name(replies));
  struct State {
    std::vector<ScriptedTurn> turns;
    std::atomic<std::size_t> next{0};
  };
  auto state = std::make_shared<State>();
  for (const json::Value& value : replies.get_array())
    state->turns.push_back(TRY(turn_of(value).within(fmt::format("$[{}]", state->turns.size()))));
  return ScriptedChatModel::Conversation(
      [state](const dialects::ChatRequest&) -> Result<ScriptedTurn> {
        const std::size_t turn = state->next++;
        if (turn < state->turns.size()) return state->turns[turn];
        return fail(Code::unavailable, "the scripted model has no reply left after {}",
                    state->turns.size());
      });
}

}  // namespace slipway::models
