// OpenAI's completions: a text goes on. A conversation of one user message without a template.
#include "core/clock.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t choices_max = 128;

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

class Decoder final : public SseDecoder {
 private:
  Result<void> take(const std::string&, std::string_view data) override {
    if (data.starts_with("[DONE]")) {
      if (!begun_) return stream_error("the stream ended before it began");
      end();
      return {};
    }
    const json::Value value = TRY(json::parse(data).within("an event of the stream"));
    if (!value.is_object()) return stream_error("an event of the stream is not an object");
    const json::Object& chunk = value.get_object();
    if (const json::Object* error = object_of(chunk, "error"))
      return stream_error(text_of(*error, "message"));
    if (!std::exchange(begun_, true)) {
      ChatEvent event{.kind = EventKind::start};
      event.from = Dialect::openai_completions;
      event.id = text_of(chunk, "id");
      event.model = text_of(chunk, "model");
      add(std::move(event));
    }
    if (const json::Array* choices = array_of(chunk, "choices"))
      for (const json::Value& choice : *choices)
        if (choice.is_object()) TRY(take_choice(choice.get_object()));
    if (const json::Object* usage = object_of(chunk, "usage")) {
      ChatEvent event{.kind = EventKind::usage};
      event.usage = read_usage(*usage);
      add(std::move(event));
    }
    return {};
  }

  Result<void> take_choice(const json::Object& object) {
    const auto index = static_cast<std::size_t>(whole_of(object, "index"));
    if (index >= choices_max) return stream_error("the stream has too many choices");
    bool& finished = finished_[index];
    ChatEvent text{.kind = EventKind::text, .choice = index, .text = text_of(object, "text")};
    if (const json::Object* logprobs = object_of(object, "logprobs"))
      text.logprobs = read_logprobs_of(*logprobs);
    if (!text.text.empty() || !text.logprobs.empty()) add(std::move(text));
    if (const std::string word = text_of(object, "finish_reason");
        !word.empty() && !std::exchange(finished, true)) {
      ChatEvent event{.kind = EventKind::finish, .choice = index};
      event.finish_reason = finish_reason(word);
      add(std::move(event));
    }
    return {};
  }

  void take_end() override {
    bool whole = !finished_.empty();
    for (const auto& [index, finished] : finished_) whole = whole && finished;
    if (whole) end();
  }

  bool begun_ = false;
  std::map<std::size_t, bool> finished_;
};

void refuse_conversation(const ChatRequest& request, Report& report) {
  if (!request.tools.empty()) report.member("tools");
  if (request.response_format.kind != ResponseKind::text) report.member("response_format");
  if (!request.reasoning_effort.empty()) report.member("reasoning_effort");
  if (request.reasoning_tokens.value_or(0) > 0) report.member("reasoning_tokens");
  if (!request.metadata.empty()) report.member("metadata");
  if (!report.is_same_dialect() && request.top_k) report.member("top_k");
  if (!report.is_same_dialect() && request.min_p) report.member("min_p");
  if (!report.is_same_dialect() && request.repeat_penalty) report.member("repeat_penalty");
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
  put(out, "temperature", request.temperature);
  put(out, "top_p", request.top_p);
  put(out, "frequency_penalty", request.frequency_penalty);
  put(out, "presence_penalty", request.presence_penalty);
  put(out, "seed", request.seed);
  if (!request.stop.empty()) out["stop"] = json::Array(request.stop.begin(), request.stop.end());
  put(out, "n", request.choices);
  if (request.logprobs) out["logprobs"] = request.top_logprobs.value_or(0);
  if (!request.logit_bias.empty()) {
    json::Object biases;
    for (const auto& [token, bias] : request.logit_bias) biases[token] = bias;
    out["logit_bias"] = std::move(biases);
  }
  put(out, "user", request.user);
  if (request.stream) {
    out["stream"] = true;
    out["stream_options"] = {{"include_usage", true}};
  }
  if (report.is_same_dialect()) {
    put(out, "top_k", request.top_k);
    put(out, "min_p", request.min_p);
    if (request.repeat_penalty) out[spelled(request, "repeat_penalty")] = *request.repeat_penalty;
    merge(out, request.extra);
  }
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
  json::Object out = {{"id", id_of("cmpl-", reply.id)},
                      {"object", "text_completion"},
                      {"created", reply.created},
                      {"model", reply.model.empty() ? request.model : reply.model},
                      {"choices", std::move(choices)},
                      {"usage", write_usage(reply.usage)}};
  put(out, "system_fingerprint", reply.fingerprint);
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

Result<ChatReply> CompletionsCodec::decode_reply(const json::Value& body) const {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect();
  reply.id = in.text("id");
  reply.model = in.text("model");
  reply.fingerprint = in.text("system_fingerprint");
  in.skip("object");
  if (in.find("created") != nullptr) reply.created = whole_of(body.get_object(), "created");
  const json::Array* choices = in.array("choices");
  if (choices == nullptr) in.refuse(fail(Code::unavailable, "choices: is missing"));
  if (const json::Object* usage = in.object("usage")) reply.usage = read_usage(*usage);
  if (auto status = in.status(); !status) return not_this_dialect(dialect(), status.error());
  for (const json::Value& item : *choices) {
    if (!item.is_object()) return not_this_dialect(dialect(), expected("choices", "objects", item));
    Choice choice;
    choice.parts.push_back(text_part(text_of(item.get_object(), "text")));
    if (const json::Object* logprobs = object_of(item.get_object(), "logprobs"))
      choice.logprobs = read_logprobs_of(*logprobs);
    choice.finish_reason = finish_reason(text_of(item.get_object(), "finish_reason"));
    reply.choices.push_back(std::move(choice));
  }
  if (reply.choices.empty())
    return not_this_dialect(dialect(), fail(Code::unavailable, "choices: has none"));
  reply.extra = in.rest();
  return reply;
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
