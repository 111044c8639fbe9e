#include "models/detail/openai_chat.hpp"

#include "core/unicode.hpp"
#include "models/detail/chat_request.hpp"
#include "models/detail/reply_text.hpp"

namespace slipway::models::detail {

// The parts of other people's replies that we read. Everything may be null or missing somewhere.
struct WireTokenDetails {
  std::optional<std::int64_t> cached_tokens;
};
BOOST_DESCRIBE_STRUCT(WireTokenDetails, (), (cached_tokens))
struct WireChatUsage {
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::optional<WireTokenDetails> prompt_tokens_details;
};
BOOST_DESCRIBE_STRUCT(WireChatUsage, (), (prompt_tokens, completion_tokens, prompt_tokens_details))
struct WireText {
  std::optional<std::string> content;
};
BOOST_DESCRIBE_STRUCT(WireText, (), (content))
struct WireChoice {
  std::optional<WireText> message;  ///< Whole answer.
  std::optional<WireText> delta;    ///< Piece of a stream.
  std::optional<std::string> finish_reason;
};
BOOST_DESCRIBE_STRUCT(WireChoice, (), (message, delta, finish_reason))
struct WireCompletion {
  std::optional<std::vector<WireChoice>> choices;
  std::optional<WireChatUsage> usage;
  std::optional<json::Value> error;
};
BOOST_DESCRIBE_STRUCT(WireCompletion, (), (choices, usage, error))

namespace {

constexpr std::size_t assumed_context_tokens = 8192;
constexpr std::size_t stops_on_wire_max = 4;  // OpenAI refuses more; the others are cut here.
constexpr std::size_t plain_body_bytes_max = 64u << 20;

/// Reads one answer, streamed or whole, into a ChatReply.
class Answer {
 public:
  Answer(const OpenAiEndpoint& endpoint, const ChatRequest& request, const TokenSink& sink)
      : endpoint_(endpoint), text_(request.stop, sink) {}

  /// A piece of the body; false when nothing more is wanted.
  bool take(std::string_view piece) {
    if (!is_stream_) {
      // A server that cannot stream answers with one JSON object.
      plain_ += piece;
      const std::size_t first = plain_.find_first_not_of(" \t\r\n");
      if (first == std::string::npos) return true;
      if (plain_[first] == '{') return plain_.size() <= plain_body_bytes_max;
      is_stream_ = true;
      const std::string begun = std::exchange(plain_, {});
      return feed(begun);
    }
    return feed(piece);
  }

  /// Everything has come.
  Result<void> end() {
    if (!plain_.empty()) {
      TRY(take_json(plain_));
      if (!has_choice_ && !error_) error_ = broken("holds no choices");
    }
    if (error_) return *error_;
    if (text_.is_stopped() || text_.is_refused()) return {};
    if (sse_.is_broken()) return broken("holds an event without end");
    if (finish_.empty() && !is_done_) return broken("ended in the middle");
    if (finish_ == "content_filter")
      return endpoint_.error(Code::forbidden, "the provider's filter held back the reply");
    return {};
  }

  /// Whether we ended the transfer ourselves.
  bool has_enough() const {
    return text_.is_stopped() || text_.is_refused() || is_done_ || error_.has_value() ||
           sse_.is_broken();
  }
  bool has_text() const { return has_text_; }

  void finish(ChatReply& reply) {
    text_.finish();
    reply.content = text_.text();
    reply.finish_reason = finish_ == "length" ? FinishReason::length : FinishReason::stop;
    if (text_.is_stopped()) reply.finish_reason = FinishReason::stop;
    if (text_.is_refused()) reply.finish_reason = FinishReason::cancelled;
    if (!usage_) return;
    reply.usage.input_tokens = usage_->prompt_tokens.value_or(0);
    reply.usage.output_tokens = usage_->completion_tokens.value_or(0);
    if (usage_->prompt_tokens_details)
      reply.usage.cached_input_tokens = usage_->prompt_tokens_details->cached_tokens.value_or(0);
  }
  bool has_usage() const { return usage_ && usage_->prompt_tokens && usage_->completion_tokens; }

 private:
  bool feed(std::string_view piece) {
    return sse_.feed(piece, [this](const http::SseParser::Event& event) {
      if (event.data == "[DONE]") {
        is_done_ = true;
        return false;
      }
      if (auto taken = take_json(event.data); !taken) error_ = std::move(taken.error());
      return !error_ && !text_.is_stopped() && !text_.is_refused();
    });
  }

  Result<void> take_json(std::string_view body) {
    const auto value = json::parse(body);
    if (!value) return broken(fmt::format("is not JSON ({})", value.error().message()));
    auto completion = json::from<WireCompletion>(*value, json::Policy::ignore_unknown);
    if (!completion) return broken(completion.error().message());
    if (completion->error) return endpoint_.describe(500, body);
    if (completion->usage) usage_ = completion->usage;
    if (!completion->choices || completion->choices->empty()) return {};  // The usage event.
    has_choice_ = true;
    const WireChoice& choice = completion->choices->front();
    if (choice.finish_reason) finish_ = *choice.finish_reason;
    for (const auto& part : {choice.message, choice.delta})
      if (part && part->content && !part->content->empty()) {
        has_text_ = true;
        text_.add(*part->content);
      }
    return {};
  }

  Error broken(std::string_view how) const {
    return endpoint_.error(Code::unavailable, fmt::format("its answer {}", how));
  }

  const OpenAiEndpoint& endpoint_;
  ReplyText text_;
  http::SseParser sse_;
  bool is_stream_ = false;
  bool is_done_ = false;
  bool has_choice_ = false;
  bool has_text_ = false;
  std::string plain_;
  std::string finish_;
  std::optional<WireChatUsage> usage_;
  std::optional<Error> error_;
};

json::Object messages_body(const ChatRequest& request) {
  return {{"messages", json::to(request.messages)}};
}

class OpenAiChat final : public ChatModel {
 public:
  OpenAiChat(OpenAiChatOptions options, OpenAiEndpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        identity_(fmt::format("{}@{}", options_.model, endpoint_.shown_url())) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.endpoint.model_name; }
  std::size_t context_tokens_max() const override { return options_.context_tokens; }
  Result<std::size_t> count_tokens(std::string_view text) const override {
    return estimate_tokens(text);
  }
  Result<std::string> render(const ChatRequest& request) const override {
    TRY(check(request));
    return json::dump(messages_body(request));
  }

  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
          .count();
    };
    TRY(check(request));
    ChatReply reply;
    Answer answer(endpoint_, request, sink);
    const auto take = [&](std::string_view piece) {
      const bool goes_on = answer.take(piece);
      if (reply.first_token_ms == 0 && answer.has_text()) reply.first_token_ms = elapsed();
      return goes_on;
    };
    const auto sent =
        endpoint_.post(context, "/chat/completions", body_of(request, bool(sink)), take);
    // Ending the transfer ourselves looks like a cancelled one, but is not.
    if (!sent && !(answer.has_enough() && sent.error().code() == Code::cancelled &&
                   !context.stop().stop_requested()))
      return sent.error();
    TRY(answer.end());
    answer.finish(reply);
    if (!answer.has_usage()) estimate(request, reply);
    reply.total_ms = elapsed();
    if (reply.first_token_ms == 0) reply.first_token_ms = reply.total_ms;
    return reply;
  }

 private:
  Result<void> check(const ChatRequest& request) const {
    TRY(check_request(request));
    // Sending what the API does not know would be ignored by some servers, silently.
    if (request.grammar) return unsupported("a grammar");
    if (request.top_k > 0) return unsupported("top_k");
    if (request.repeat_penalty != 1) return unsupported("repeat_penalty");
    return {};
  }
  Error unsupported(std::string_view what) const {
    return endpoint_.error(Code::unsupported,
                           fmt::format("remote models do not take {}; leave it out", what));
  }

  json::Value body_of(const ChatRequest& request, bool is_streamed) const {
    json::Object body = messages_body(request);
    body["model"] = options_.model;
    body["max_tokens"] = request.max_tokens;
    body["temperature"] = request.temperature;
    // Many servers read seeds as signed numbers.
    body["seed"] = static_cast<std::int64_t>(request.seed & 0x7FFF'FFFF'FFFF'FFFFull);
    if (request.top_p < 1) body["top_p"] = request.top_p;
    if (!request.stop.empty()) {
      json::Array stops;
      for (const std::string& stop : request.stop)
        if (stops.size() < stops_on_wire_max) stops.push_back(boost::json::string(stop));
      body["stop"] = std::move(stops);
    }
    if (is_streamed) {
      body["stream"] = true;
      body["stream_options"] = json::Object{{"include_usage", true}};
    }
    return body;
  }

  void estimate(const ChatRequest& request, ChatReply& reply) const {
    std::size_t tokens = 0;
    for (const Message& message : request.messages) tokens += estimate_tokens(message.content) + 4;
    reply.usage.input_tokens = static_cast<std::int64_t>(tokens);
    reply.usage.output_tokens = static_cast<std::int64_t>(estimate_tokens(reply.content));
    reply.usage.estimated = true;
  }

  OpenAiChatOptions options_;
  OpenAiEndpoint endpoint_;
  std::string identity_;
};

}  // namespace

std::size_t estimate_tokens(std::string_view text) { return (unicode::length(text) + 3) / 4; }

Result<std::shared_ptr<ChatModel>> open_openai_chat(OpenAiChatOptions options) {
  if (options.context_tokens == 0) options.context_tokens = assumed_context_tokens;
  if (options.model.empty()) options.model = options.endpoint.model_name;
  auto endpoint = TRY(OpenAiEndpoint::open(options.endpoint));
  return std::shared_ptr<ChatModel>(
      std::make_shared<OpenAiChat>(std::move(options), std::move(endpoint)));
}

}  // namespace slipway::models::detail
