// Cohere's v2 chat as a stream of events, both ways.
#include "dialects/detail/call_queue.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/cohere.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t calls_max = 1024;

json::Object with_message(std::string_view type, std::size_t index, json::Object message) {
  return {{"type", type}, {"index", index}, {"delta", {{"message", std::move(message)}}}};
}

class Encoder final : public StreamEncoder {
 public:
  std::string encode(const ChatEvent& event) override {
    if (event.choice != 0) return {};  // Callers of this API cannot ask for several.
    std::string bytes = begin(event);
    switch (event.kind) {
      case EventKind::start: break;
      case EventKind::text:
      case EventKind::refusal: bytes += piece(Block::text, "text", event); break;
      case EventKind::reasoning:
        if (!event.text.empty()) bytes += piece(Block::thinking, "thinking", event);
        break;
      case EventKind::tool_start:
        if (calls_.open(event.call_index, event.call)) bytes += open_call(event.call);
        break;
      case EventKind::tool_delta:
        if (calls_.add(event.call_index, event.text)) bytes += arguments(event.text);
        break;
      case EventKind::annotation: bytes += citation(event.annotation); break;
      case EventKind::finish:
        bytes += close_all();
        finish_ = write_cohere_finish(event.finish_reason,
                                      event.hit_stop_sequence || !event.stop_sequence.empty());
        break;
      case EventKind::usage: usage_ = event.usage; break;
      case EventKind::end:
        bytes += close_all();
        bytes += end(nullptr);
        break;
    }
    return bytes;
  }

  std::string fail(const WireError& error) override {
    finish_ = "ERROR";
    std::string bytes = begin({});
    bytes += close_all();
    bytes += end(&error);
    return bytes;
  }

 private:
  enum class Block { none, text, thinking, tool };

  std::string begin(const ChatEvent& event) {
    if (!id_.empty()) return {};
    id_ = event.id.empty() ? new_id("") : event.id;
    json::Object message = {{"role", "assistant"},
                            {"content", json::Array()},
                            {"tool_plan", ""},
                            {"tool_calls", json::Array()},
                            {"citations", json::Array()}};
    return event_bytes(
        {{"type", "message-start"}, {"id", id_}, {"delta", {{"message", std::move(message)}}}});
  }

  std::string close() {
    const Block closed = std::exchange(block_, Block::none);
    if (closed == Block::none) return {};
    if (closed == Block::tool) return event_bytes({{"type", "tool-call-end"}, {"index", call_++}});
    return event_bytes({{"type", "content-end"}, {"index", content_++}});
  }

  /// Also what calls wait.
  std::string close_all() {
    std::string bytes = close();
    for (const CallQueue::Waiting& waiting : calls_.flush()) {
      bytes += open_call(waiting.call);
      bytes += close();
    }
    return bytes;
  }

  std::string piece(Block block, std::string_view key, const ChatEvent& event) {
    std::string bytes;
    if (block_ != block) {
      bytes = close_all();
      block_ = block;
      json::Object content = {{"type", key}};
      content[key] = "";
      bytes +=
          event_bytes(with_message("content-start", content_, {{"content", std::move(content)}}));
    }
    if (block == Block::text) text_ += event.text;
    json::Object content;
    content[key] = event.text;
    json::Object data = with_message("content-delta", content_, {{"content", std::move(content)}});
    if (event.logprobs.size() == 1) data["logprobs"] = write_cohere_logprob(event.logprobs[0]);
    if (event.logprobs.size() > 1) data["logprobs"] = joined(event);
    return bytes + event_bytes(std::move(data));
  }

  static json::Object joined(const ChatEvent& event) {
    json::Array ids, values;
    for (const TokenLogprob& token : event.logprobs) {
      if (token.id) ids.push_back(json::Value(*token.id));
      values.push_back(json::Value(token.logprob));
    }
    return {{"text", event.text}, {"token_ids", std::move(ids)}, {"logprobs", std::move(values)}};
  }

  std::string open_call(const ToolCall& call) {
    std::string bytes = close();
    block_ = Block::tool;
    json::Object calls = {{"id", call.id.empty() ? new_id("call_") : call.id},
                          {"type", "function"},
                          {"function", {{"name", call.name}, {"arguments", ""}}}};
    bytes +=
        event_bytes(with_message("tool-call-start", call_, {{"tool_calls", std::move(calls)}}));
    return bytes + arguments(call.arguments);
  }

  std::string arguments(const std::string& piece) {
    if (piece.empty()) return {};
    json::Object calls = {{"function", {{"arguments", piece}}}};
    return event_bytes(with_message("tool-call-delta", call_, {{"tool_calls", std::move(calls)}}));
  }

  std::string citation(const Annotation& annotation) {
    json::Object citation = write_cohere_citation(annotation, text_);
    const std::size_t index = citations_++;
    return event_bytes(
               with_message("citation-start", index, {{"citations", std::move(citation)}})) +
           event_bytes({{"type", "citation-end"}, {"index", index}});
  }

  std::string end(const WireError* error) {
    json::Object delta = {{"finish_reason", finish_}, {"usage", write_cohere_usage(usage_)}};
    if (error != nullptr) delta["error"] = error->message;
    std::string bytes =
        event_bytes({{"type", "message-end"}, {"id", id_}, {"delta", std::move(delta)}});
    return error != nullptr ? bytes : bytes + "data: [DONE]\n\n";
  }

  std::string id_;
  Block block_ = Block::none;
  std::size_t content_ = 0, call_ = 0, citations_ = 0;
  CallQueue calls_;
  std::string text_;  ///< For what citations quote of it.
  std::string finish_ = "COMPLETE";
  ChatUsage usage_;
};

class Decoder final : public SseDecoder {
 private:
  Result<void> take(const std::string&, std::string_view data) override {
    if (data == "[DONE]") return {};
    const json::Value value = TRY(json::parse(data).within("an event of the stream"));
    if (!value.is_object()) return stream_error("an event of the stream is not an object");
    const json::Object& event = value.get_object();
    const std::string type = text_of(event, "type");
    const json::Object* delta = object_of(event, "delta");
    const json::Object* message = delta ? object_of(*delta, "message") : nullptr;
    if (type == "message-start") {
      ChatEvent start{.kind = EventKind::start};
      start.from = Dialect::cohere;
      start.id = text_of(event, "id");
      begun_ = true;
      add(std::move(start));
    } else if (type == "message-end") {
      return finish_of(delta);
    } else if (type.empty() && event.contains("message")) {
      return stream_error(text_of(event, "message"));
    } else if (message != nullptr) {
      return take_message(type, event, *message);
    }
    return {};
  }

  Result<void> take_message(const std::string& type, const json::Object& event,
                            const json::Object& message) {
    if (type == "content-start" || type == "content-delta") {
      if (const json::Object* content = object_of(message, "content"))
        take_content(event, *content);
    } else if (type == "tool-plan-delta") {
      if (std::string plan = text_of(message, "tool_plan"); !plan.empty())
        add({.kind = EventKind::text, .text = std::move(plan)});
    } else if (type == "tool-call-start" || type == "tool-call-delta") {
      if (const json::Object* call = object_of(message, "tool_calls"))
        return take_call(whole_of(event, "index"), type == "tool-call-start", *call);
    } else if (type == "citation-start") {
      if (const json::Object* citation = object_of(message, "citations")) {
        ChatEvent annotation{.kind = EventKind::annotation};
        annotation.annotation = read_cohere_citation(*citation);
        add(std::move(annotation));
      }
    }
    return {};
  }

  void take_content(const json::Object& event, const json::Object& content) {
    if (std::string thinking = text_of(content, "thinking"); !thinking.empty())
      add({.kind = EventKind::reasoning, .text = std::move(thinking)});
    ChatEvent text{.kind = EventKind::text, .text = text_of(content, "text")};
    if (const json::Object* logprobs = object_of(event, "logprobs"))
      read_cohere_logprob(*logprobs, text.logprobs);
    if (!text.text.empty() || !text.logprobs.empty()) add(std::move(text));
  }

  Result<void> take_call(std::int64_t wire, bool is_start, const json::Object& call) {
    const json::Object* function = object_of(call, "function");
    if (is_start) {
      if (count_ >= calls_max) return stream_error("the stream has too many tool calls");
      const std::size_t index = count_++;
      calls_[wire] = index;
      ChatEvent start{.kind = EventKind::tool_start};
      start.call_index = index;
      start.call.id = text_of(call, "id");
      if (start.call.id.empty()) start.call.id = new_id("call_");
      if (function != nullptr) start.call.name = text_of(*function, "name");
      add(std::move(start));
    }
    std::string arguments = function ? text_of(*function, "arguments") : "";
    if (arguments.empty()) return {};
    const auto found = calls_.find(wire);
    if (found == calls_.end()) return stream_error("tool-call-delta belongs to no call");
    ChatEvent delta{.kind = EventKind::tool_delta, .text = std::move(arguments)};
    delta.call_index = found->second;
    add(std::move(delta));
    return {};
  }

  Result<void> finish_of(const json::Object* delta) {
    if (!begun_ || delta == nullptr) return stream_error("the stream ended before it began");
    ChatEvent finish{.kind = EventKind::finish};
    finish.finish_reason =
        read_cohere_finish(text_of(*delta, "finish_reason"), finish.hit_stop_sequence);
    if (finish.finish_reason == FinishReason::error) return failed_answer(text_of(*delta, "error"));
    add(std::move(finish));
    if (const json::Object* usage = object_of(*delta, "usage")) {
      ChatEvent counted{.kind = EventKind::usage};
      counted.usage = read_cohere_usage(*usage);
      add(std::move(counted));
    }
    end();
    return {};
  }

  bool begun_ = false;
  std::size_t count_ = 0;
  std::map<std::int64_t, std::size_t> calls_;  ///< Index on the wire -> ours.
};

}  // namespace

std::unique_ptr<StreamEncoder> CohereCodec::stream_encoder(const ChatRequest&) const {
  return std::make_unique<Encoder>();
}

std::unique_ptr<StreamDecoder> CohereCodec::stream_decoder() const {
  return std::make_unique<Decoder>();
}

}  // namespace slipway::dialects::detail
