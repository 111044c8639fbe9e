// Chat completions as a stream of chunks, both ways.
#include <set>

#include "dialects/detail/codecs.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t calls_max = 1024;

class Encoder final : public ChunkEncoder {
 public:
  explicit Encoder(const ChatRequest& request)
      : ChunkEncoder(request, {"chatcmpl-", "chat.completion.chunk"}) {}

  std::string encode(const ChatEvent& event) override {
    switch (event.kind) {
      case EventKind::start: begin(event); return chunk(0, {{"content", ""}});
      case EventKind::text: return text(event, "content");
      case EventKind::refusal: return text(event, "refusal");
      case EventKind::reasoning:
        return event.text.empty() ? "" : chunk(event.choice, {{"reasoning_content", event.text}});
      case EventKind::tool_start: return tool_start(event);
      case EventKind::tool_delta: return tool_delta(event);
      case EventKind::annotation: {
        json::Array one = {write_annotation(event.annotation, /*is_nested=*/true)};
        return chunk(event.choice, {{"annotations", std::move(one)}});
      }
      case EventKind::finish: return chunk(event.choice, {}, finish_word(event.finish_reason));
      case EventKind::usage: count(event.usage); return {};
      case EventKind::end: return end();
    }
    return {};
  }

 private:
  std::string chunk(std::size_t choice, json::Object delta, std::string_view finish = {}) {
    return ChunkEncoder::chunk(choice_of(choice, std::move(delta), finish));
  }

  json::Object choice_of(std::size_t choice, json::Object delta, std::string_view finish) {
    if (begun_.insert(choice).second) delta["role"] = "assistant";
    json::Object out = {{"index", choice},
                        {"delta", std::move(delta)},
                        {"logprobs", nullptr},
                        {"finish_reason", nullptr}};
    if (!finish.empty()) out["finish_reason"] = finish;
    return out;
  }

  std::string text(const ChatEvent& event, std::string_view key) {
    json::Object delta;
    delta[key] = event.text;
    json::Object choice = choice_of(event.choice, std::move(delta), {});
    if (!event.logprobs.empty())
      choice["logprobs"] = {{"content", write_logprobs(event.logprobs)}, {"refusal", nullptr}};
    return ChunkEncoder::chunk(std::move(choice));
  }

  std::string tool_start(const ChatEvent& event) {
    json::Object call = {
        {"index", event.call_index},
        {"id", event.call.id.empty() ? new_id("call_") : event.call.id},
        {"type", "function"},
        {"function", {{"name", event.call.name}, {"arguments", event.call.arguments}}}};
    json::Array calls = {std::move(call)};
    return chunk(event.choice, {{"tool_calls", std::move(calls)}});
  }

  std::string tool_delta(const ChatEvent& event) {
    json::Object call = {{"index", event.call_index}, {"function", {{"arguments", event.text}}}};
    json::Array calls = {std::move(call)};
    return chunk(event.choice, {{"tool_calls", std::move(calls)}});
  }

  std::set<std::size_t> begun_;
};

class Decoder final : public ChunkDecoder {
 public:
  Decoder() : ChunkDecoder(Dialect::openai) {}

 private:
  using Calls = std::map<std::int64_t, std::size_t>;  ///< Index on the wire -> ours.

  Result<void> take_choice(std::size_t index, const json::Object& choice) override {
    const json::Object* delta = object_of(choice, "delta");
    if (delta == nullptr) return {};
    take_texts(index, *delta, choice);
    if (const json::Array* calls = array_of(*delta, "tool_calls"))
      for (const json::Value& call : *calls)
        if (call.is_object()) TRY(take_call(index, call.get_object()));
    if (const json::Array* annotations = array_of(*delta, "annotations"))
      for (const json::Value& item : *annotations)
        if (item.is_object()) {
          ChatEvent event{.kind = EventKind::annotation, .choice = index};
          event.annotation = read_annotation(item.get_object());
          add(std::move(event));
        }
    return {};
  }

  bool has_calls(std::size_t index) const override { return calls_.contains(index); }

  void take_texts(std::size_t index, const json::Object& delta, const json::Object& choice) {
    std::string reasoning = text_of(delta, "reasoning_content");
    if (reasoning.empty()) reasoning = text_of(delta, "reasoning");
    if (!reasoning.empty())
      add({.kind = EventKind::reasoning, .choice = index, .text = std::move(reasoning)});
    ChatEvent text{.kind = EventKind::text, .choice = index, .text = text_of(delta, "content")};
    if (const json::Object* logprobs = object_of(choice, "logprobs"))
      if (const json::Array* content = array_of(*logprobs, "content"))
        text.logprobs = read_logprobs(*content);
    if (!text.text.empty() || !text.logprobs.empty()) add(std::move(text));
    if (std::string refusal = text_of(delta, "refusal"); !refusal.empty())
      add({.kind = EventKind::refusal, .choice = index, .text = std::move(refusal)});
  }

  Result<void> take_call(std::size_t choice, const json::Object& call) {
    Calls& calls = calls_[choice];
    const std::string id = text_of(call, "id");
    const json::Object* function = object_of(call, "function");
    const std::string name = function ? text_of(*function, "name") : "";
    std::int64_t wire = whole_of(call, "index");
    // Servers that leave the index out send whole calls.
    if (!call.contains("index"))
      wire = static_cast<std::int64_t>(calls.size()) - (id.empty() && name.empty() ? 1 : 0);
    auto found = calls.find(wire);
    if (found == calls.end()) {
      if (calls.size() >= calls_max) return stream_error("the stream has too many tool calls");
      found = calls.emplace(wire, calls.size()).first;
      ChatEvent event{.kind = EventKind::tool_start, .choice = choice};
      event.call_index = found->second;
      event.call.id = id.empty() ? new_id("call_") : id;
      event.call.name = name;
      add(std::move(event));
    }
    std::string arguments = function ? text_of(*function, "arguments") : "";
    if (arguments.empty()) return {};
    ChatEvent event{.kind = EventKind::tool_delta, .choice = choice, .text = std::move(arguments)};
    event.call_index = found->second;
    add(std::move(event));
    return {};
  }

  std::map<std::size_t, Calls> calls_;  ///< By choice; of those that have some.
};

}  // namespace

std::unique_ptr<StreamEncoder> OpenAiCodec::stream_encoder(const ChatRequest& request) const {
  return std::make_unique<Encoder>(request);
}

std::unique_ptr<StreamDecoder> OpenAiCodec::stream_decoder() const {
  return std::make_unique<Decoder>();
}

}  // namespace slipway::dialects::detail
