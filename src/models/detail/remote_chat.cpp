#include "models/detail/remote_chat.hpp"

#include "core/unicode.hpp"
#include "dialects/codec.hpp"
#include "models/detail/chat_request.hpp"
#include "models/detail/conversation.hpp"
#include "models/detail/reply_text.hpp"

namespace slipway::models::detail {

namespace {

using dialects::Dialect;

constexpr std::size_t assumed_context_tokens = 8192;
constexpr std::size_t body_bytes_max = 256u << 20;

/// Reads one answer, streamed or whole, into a ChatReply. All given must outlive it.
class Answer {
 public:
  Answer(const RemoteEndpoint& endpoint, const ChatRequest& request, const TokenSink& sink)
      : endpoint_(endpoint),
        codec_(dialects::codec(chat_dialect(endpoint.provider()))),
        decoder_(codec_.stream_decoder()),
        text_(request.stop, sink) {}

  /// A piece of the body; false when nothing more is wanted.
  bool take(std::string_view piece) {
    bytes_ += piece.size();
    if (bytes_ > body_bytes_max) {
      error_ = broken(fmt::format("is longer than {} bytes", body_bytes_max));
      return false;
    }
    if (is_stream_) return feed(piece);
    // A server that cannot stream answers with one JSON object.
    plain_ += piece;
    const std::size_t first = plain_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || plain_[first] == '{') return true;
    is_stream_ = true;
    return feed(std::exchange(plain_, {}));
  }

  /// Everything has come.
  Result<void> end() {
    if (!error_ && !is_stream_) take_whole();
    if (!error_ && is_stream_ && !has_enough()) take_events(decoder_->finish());
    if (error_) return *error_;
    if (finish_ == dialects::FinishReason::content_filter)
      return endpoint_.error(Code::forbidden, "the provider's filter held back the reply");
    return {};
  }

  /// Whether we ended the transfer ourselves.
  bool has_enough() const {
    return text_.is_stopped() || text_.is_refused() || is_done_ || error_.has_value();
  }
  bool has_text() const { return has_text_; }

  void finish(ChatReply& reply) {
    text_.finish();
    reply.content = text_.text();
    reply.finish_reason =
        finish_ == dialects::FinishReason::length ? FinishReason::length : FinishReason::stop;
    if (text_.is_stopped()) reply.finish_reason = FinishReason::stop;
    if (text_.is_refused()) reply.finish_reason = FinishReason::cancelled;
    reply.usage.input_tokens = usage_.input_tokens;
    reply.usage.output_tokens = usage_.output_tokens;
    reply.usage.cached_input_tokens = usage_.cached_input_tokens;
  }
  /// Whether the server has counted; what we cut short it has not.
  bool has_usage() const {
    return usage_.input_tokens > 0 && (usage_.output_tokens > 0 || !has_text_);
  }

 private:
  bool feed(std::string_view piece) {
    take_events(decoder_->feed(piece));
    // An error that follows good events is told by the next call only.
    if (!has_enough()) take_events(decoder_->feed({}));
    return !has_enough();
  }

  void take_events(Result<std::vector<dialects::ChatEvent>> events) {
    if (!events) {
      error_ = unusable(events.error());
      return;
    }
    for (const dialects::ChatEvent& event : *events) {
      if (event.choice != 0) continue;  // We ask for one.
      switch (event.kind) {
        case dialects::EventKind::text:
        case dialects::EventKind::refusal: add(event.text); break;
        case dialects::EventKind::finish: finish_ = event.finish_reason; break;
        case dialects::EventKind::usage: usage_ = event.usage; break;
        case dialects::EventKind::end: is_done_ = true; break;
        default: break;
      }
    }
  }

  void take_whole() {
    const auto value = json::parse(plain_);
    if (!value) {
      error_ = broken(fmt::format("is not JSON ({})", endpoint_.quote(value.error().message())));
      return;
    }
    const json::Object* object = value->if_object();
    const json::Value* said = object != nullptr ? object->if_contains("error") : nullptr;
    if (said != nullptr && !said->is_null()) {
      error_ = endpoint_.describe(500, plain_);  // Some say so with status 200.
      return;
    }
    const auto reply = codec_.decode_reply(*value);
    if (!reply) {
      error_ = unusable(reply.error());
      return;
    }
    usage_ = reply->usage;
    finish_ = reply->choices.front().finish_reason;
    for (const dialects::Part& part : reply->choices.front().parts)
      if (part.kind == dialects::PartKind::text || part.kind == dialects::PartKind::refusal)
        add(part.text);
  }

  void add(const std::string& text) {
    if (text.empty()) return;
    has_text_ = true;
    text_.add(text);
  }

  Error broken(std::string_view how) const {
    return endpoint_.error(Code::unavailable, fmt::format("its answer {}", how));
  }
  Error unusable(const Error& error) const {
    return broken(fmt::format("cannot be used: {}", endpoint_.quote(error.message())));
  }

  const RemoteEndpoint& endpoint_;
  const dialects::Codec& codec_;
  std::unique_ptr<dialects::StreamDecoder> decoder_;
  ReplyText text_;
  std::size_t bytes_ = 0;
  bool is_stream_ = false;
  bool is_done_ = false;
  bool has_text_ = false;
  std::string plain_;
  dialects::FinishReason finish_ = dialects::FinishReason::stop;
  dialects::ChatUsage usage_;
  std::optional<Error> error_;
};

/// Those that the API takes; `ReplyText` ends the reply before the others too.
std::vector<std::string> stops_on_wire(Dialect dialect, const std::vector<std::string>& stops) {
  constexpr std::size_t openai_max = 4, cohere_max = 5;  // They refuse more.
  const std::size_t count_max = dialect == Dialect::openai   ? openai_max
                                : dialect == Dialect::cohere ? cohere_max
                                                             : stops.size();
  std::vector<std::string> taken;
  for (const std::string& stop : stops) {
    // Anthropic's refuses a string of spaces alone.
    const bool is_blank = stop.find_first_not_of(" \t\r\n") == std::string::npos;
    if (taken.size() < count_max && !(is_blank && dialect == Dialect::anthropic))
      taken.push_back(stop);
  }
  return taken;
}

class RemoteChat final : public ChatModel {
 public:
  RemoteChat(RemoteChatOptions options, RemoteEndpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        dialect_(chat_dialect(endpoint_.provider())),
        identity_(fmt::format("{}@{}", options_.model, endpoint_.shown_url())) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.endpoint.model_name; }
  std::size_t context_tokens_max() const override { return options_.context_tokens; }
  Result<std::size_t> count_tokens(std::string_view text) const override {
    return estimate_tokens(text);
  }
  Result<std::string> render(const ChatRequest& request) const override {
    TRY(check(request));
    return json::dump(json::Object{{"messages", json::to(request.messages)}});
  }

  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
          .count();
    };
    TRY(check(request));
    const json::Value body = TRY(body_of(request, bool(sink)));
    ChatReply reply;
    Answer answer(endpoint_, request, sink);
    const auto take = [&](std::string_view piece) {
      const bool goes_on = answer.take(piece);
      if (reply.first_token_ms == 0 && answer.has_text()) reply.first_token_ms = elapsed();
      return goes_on;
    };
    const auto sent = endpoint_.post(context, chat_path(dialect_), body, take);
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

  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const EventSink& sink) override {
    if (request.seed && dialect_ == Dialect::anthropic)
      return not_taken("seed", name(), "leave it out or ask another model");
    return ChatModel::converse(context, request, sink);
  }

 private:
  Result<void> check(const ChatRequest& request) const {
    TRY(check_request(request));
    // Sending what the API does not know would be ignored by some servers, silently.
    if (request.grammar) return unsupported("a grammar");
    if (request.top_k > 0 && dialect_ == Dialect::openai) return unsupported("top_k");
    if (request.repeat_penalty != 1) return unsupported("repeat_penalty");
    return {};
  }
  Error unsupported(std::string_view what) const {
    return endpoint_.error(Code::unsupported,
                           fmt::format("this API does not take {}; leave it out", what));
  }

  Result<json::Value> body_of(const ChatRequest& request, bool is_streamed) const {
    dialects::ChatRequest wire;
    wire.from = dialect_;  // "max_tokens" is the word that all of OpenAI's kind know.
    wire.model = options_.model;
    for (const Message& message : request.messages) wire.messages.push_back(wire_message(message));
    wire.max_tokens = request.max_tokens;
    wire.temperature = request.temperature;
    if (request.top_p < 1) wire.top_p = request.top_p;
    if (request.top_k > 0) wire.top_k = request.top_k;
    // Many servers read seeds as signed numbers. Anthropic's know none; at temperature 0 there is
    // nothing to draw, and above it a seed promises nothing from any vendor.
    if (dialect_ != Dialect::anthropic)
      wire.seed = static_cast<std::int64_t>(request.seed & 0x7FFF'FFFF'FFFF'FFFFull);
    wire.stop = stops_on_wire(dialect_, request.stop);
    wire.stream = is_streamed;
    std::vector<dialects::Unsupported> left_out;
    json::Value body = dialects::codec(dialect_).encode_request(wire, left_out);
    if (!left_out.empty())
      return endpoint_.error(Code::unsupported, fmt::format("{}: {}", left_out.front().parameter,
                                                            left_out.front().reason));
    return body;
  }

  static dialects::Message wire_message(const Message& message) {
    dialects::Message wire;
    wire.role = message.role == Role::system      ? dialects::Role::system
                : message.role == Role::assistant ? dialects::Role::assistant
                                                  : dialects::Role::user;
    wire.parts.resize(1);
    wire.parts.front().text = message.content;
    return wire;
  }

  void estimate(const ChatRequest& request, ChatReply& reply) const {
    std::size_t tokens = 0;
    for (const Message& message : request.messages) tokens += estimate_tokens(message.content) + 4;
    reply.usage.input_tokens = static_cast<std::int64_t>(tokens);
    reply.usage.output_tokens = static_cast<std::int64_t>(estimate_tokens(reply.content));
    reply.usage.estimated = true;
  }

  RemoteChatOptions options_;
  RemoteEndpoint endpoint_;
  Dialect dialect_;
  std::string identity_;
};

}  // namespace

std::size_t estimate_tokens(std::string_view text) { return (unicode::length(text) + 3) / 4; }

Result<std::shared_ptr<ChatModel>> open_remote_chat(RemoteChatOptions options) {
  if (options.context_tokens == 0) options.context_tokens = assumed_context_tokens;
  if (options.model.empty()) options.model = options.endpoint.model_name;
  auto endpoint = TRY(RemoteEndpoint::open(options.endpoint));
  return std::shared_ptr<ChatModel>(
      std::make_shared<RemoteChat>(std::move(options), std::move(endpoint)));
}

}  // namespace slipway::models::detail
