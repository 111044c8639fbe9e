// OpenAI's completions: a text goes on. A conversation of one user message without a template.
#include "core/clock.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

void read_prompt(Fields& in, ChatRequest& request) {
  const json::Value* prompt = in.find("prompt");
  if (prompt == nullptr) return in.refuse(fail(Code::invalid_argument, "prompt: is missing"));
  const json::Array* items = prompt->if_array();
  if (items != nullptr && items->size() == 1 && items->front().is_string())
    prompt = &items->front();
  if (prompt->is_string()) {
    Message message;
    message.path = "prompt";
    message.parts.push_back(text_part(std::string(prompt->get_string())));
    message.parts.back().path = "prompt";
    request.messages.push_back(std::move(message));
  } else if (items != nullptr && !items->empty()) {
    request.extra["prompt"] = *items;  // Several at once, or tokens of that very model.
  } else {
    in.wrong("prompt", "a string or an array that is not empty", *prompt);
  }
}

json::Value write_logprobs_of(const std::vector<TokenLogprob>& tokens, std::size_t& offset) {
  json::Array texts, values, tops, offsets;
  for (const TokenLogprob& token : tokens) {
    texts.push_back(json::Value(token.token));
    values.push_back(json::Value(token.logprob));
    offsets.push_back(json::Value(offset));
    offset += length_of(token.token);
    json::Object top;
    for (const TokenLogprob& other : token.top) top[other.token] = other.logprob;
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(texts)},
          {"token_logprobs", std::move(values)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

std::vector<TokenLogprob> read_logprobs_of(const json::Object& logprobs) {
  std::vector<TokenLogprob> read;
  const json::Array* tokens = array_of(logprobs, "tokens");
  const json::Array* values = array_of(logprobs, "token_logprobs");
  const json::Array* tops = array_of(logprobs, "top_logprobs");
  if (tokens == nullptr || values == nullptr) return read;
  for (std::size_t i = 0; i < tokens->size() && i < values->size(); ++i) {
    if (!(*tokens)[i].is_string()) continue;
    TokenLogprob token;
    token.token = (*tokens)[i].get_string();
    if ((*values)[i].is_number()) token.logprob = (*values)[i].to_number<double>();
    if (tops != nullptr && i < tops->size() && (*tops)[i].is_object())
      for (const auto& [text, value] : (*tops)[i].get_object())
        if (value.is_number()) {
          token.top.emplace_back();
          token.top.back().token = std::string(text);
          token.top.back().logprob = value.to_number<double>();
        }
    read.push_back(std::move(token));
  }
  return read;
}

std::string_view finish_of(FinishReason reason) {
  // This API has no calls.
  return reason == FinishReason::tool_calls ? "stop" : finish_word(reason);
}

json::Object choice_of(std::size_t index, std::string_view text) {
  return {{"text", text}, {"index", index}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
}

class Encoder final : public ChunkEncoder {
 public:
  explicit Encoder(const ChatRequest& request)
      : ChunkEncoder(request, {"cmpl-", "text_completion"}) {}

  std::string encode(const ChatEvent& event) override {
    switch (event.kind) {
      case EventKind::start: begin(event); return {};
      case EventKind::text:
      case EventKind::refusal: {
        json::Object choice = choice_of(event.choice, event.text);
        if (!event.logprobs.empty())
          choice["logprobs"] = write_logprobs_of(event.logprobs, offsets_[event.choice]);
        return chunk(std::move(choice));
      }
      case EventKind::finish: {
        json::Object choice = choice_of(event.choice, "");
        choice["finish_reason"] = finish_of(event.finish_reason);
        return chunk(std::move(choice));
      }
      case EventKind::usage: count(event.usage); return {};
      case EventKind::end: return end();
      case EventKind::reasoning:
      case EventKind::tool_start:
      case EventKind::tool_delta:
      case EventKind::annotation: break;  // Nothing that a caller of this API could ask for.
    }
    return {};
  }

 private:
  std::map<std::size_t, std::size_t> offsets_;
};

class Decoder final : public ChunkDecoder {
 public:
  Decoder() : ChunkDecoder(Dialect::openai_completions) {}

 private:
  Result<void> take_choice(std::size_t index, const json::Object& choice) override {
    ChatEvent text{.kind = EventKind::text, .choice = index, .text = text_of(choice, "text")};
    if (const json::Object* logprobs = object_of(choice, "logprobs"))
      text.logprobs = read_logprobs_of(*logprobs);
    if (!text.text.empty() || !text.logprobs.empty()) add(std::move(text));
    return {};
  }
};

Choice read_choice(const json::Object& object) {
  Choice choice;
  choice.parts.push_back(text_part(text_of(object, "text")));
  if (const json::Object* logprobs = object_of(object, "logprobs"))
    choice.logprobs = read_logprobs_of(*logprobs);
  return choice;
}

void refuse_conversation(const ChatRequest& request, Report& report) {
  if (!request.tools.empty()) report.member("tools");
  if (request.response_format.kind != ResponseKind::text) report.member("response_format");
  if (!request.reasoning_effort.empty()) report.member("reasoning_effort");
  if (request.reasoning_tokens.value_or(0) > 0) report.member("reasoning_tokens");
  if (!request.metadata.empty()) report.member("metadata");
  if (request.messages.size() > 1) report.at("messages", "this API goes on with one text");
  if (request.messages.empty()) return;
  for (const Part& part : request.messages.front().parts)
    if (part.kind != PartKind::text) report.at(part.path, "this API knows text only");
}

}  // namespace

Result<ChatRequest> CompletionsCodec::decode_request(const json::Value& body) const {
  ChatRequest request;
  request.from = dialect();
  Fields in(body, "");
  request.model = in.required_text("model");
  read_prompt(in, request);
  request.max_tokens = in.whole("max_tokens", {1});
  read_sampling(in, request);
  read_stream_options(in, request);
  if (const auto logprobs = in.whole("logprobs", {0, 20})) {
    request.logprobs = true;
    request.top_logprobs = *logprobs;
    request.spelled["top_logprobs"] = "logprobs";
  }
  TRY(in.status());
  merge(request.extra, in.rest());
  return request;
}

json::Value CompletionsCodec::encode_request(const ChatRequest& request,
                                             std::vector<Unsupported>& unsupported) const {
  Report report(request, dialect(), unsupported);
  json::Object out = {{"model", request.model}};
  refuse_conversation(request, report);
  if (!request.messages.empty()) out["prompt"] = text_of(request.messages.back().parts);
  put(out, "max_tokens", request.max_tokens);
  write_sampling(out, request, report);
  if (request.logprobs) out["logprobs"] = request.top_logprobs.value_or(0);
  put(out, "user", request.user);
  if (request.stream) {
    out["stream"] = true;
    out["stream_options"] = {{"include_usage", true}};
  }
  if (report.is_same_dialect()) merge(out, request.extra);
  return out;
}

json::Value CompletionsCodec::encode_reply(const ChatRequest& request,
                                           const ChatReply& reply) const {
  json::Array choices;
  for (std::size_t i = 0; i < reply.choices.size(); ++i) {
    const Choice& from = reply.choices[i];
    std::string text;
    for (const Part& part : from.parts)
      if (part.kind == PartKind::text || part.kind == PartKind::refusal) text += part.text;
    json::Object choice = choice_of(i, text);
    std::size_t offset = 0;
    if (request.logprobs) choice["logprobs"] = write_logprobs_of(from.logprobs, offset);
    choice["finish_reason"] = finish_of(from.finish_reason);
    choices.push_back(std::move(choice));
  }
  json::Object out = write_reply(request, reply, {"cmpl-", "text_completion"}, std::move(choices));
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

Result<ChatReply> CompletionsCodec::decode_reply(const json::Value& body) const {
  return read_reply(body, dialect(), read_choice);
}

json::Value CompletionsCodec::encode_error(const WireError& error) const {
  return write_error(error);
}

WireError CompletionsCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

std::unique_ptr<StreamEncoder> CompletionsCodec::stream_encoder(const ChatRequest& request) const {
  return std::make_unique<Encoder>(request);
}

std::unique_ptr<StreamDecoder> CompletionsCodec::stream_decoder() const {
  return std::make_unique<Decoder>();
}

}  // namespace slipway::dialects::detail
