// Messages as a stream of events, both ways.
#include "dialects/detail/anthropic.hpp"
#include "dialects/detail/call_queue.hpp"
#include "dialects/detail/codecs.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t blocks_max = 4096;

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(const ChatRequest& request) : model_(request.model) {}

  std::string encode(const ChatEvent& event) override {
    if (event.choice != 0) return {};  // Callers of this API cannot ask for several.
    std::string bytes = begin(event);
    switch (event.kind) {
      case EventKind::start: break;
      case EventKind::text: bytes += text(event.text); break;
      case EventKind::refusal:
        has_refused_ = true;
        bytes += text(event.text);
        break;
      case EventKind::reasoning: bytes += reasoning(event); break;
      case EventKind::tool_start:
        if (calls_.open(event.call_index, event.call)) bytes += open_call(event.call);
        break;
      case EventKind::tool_delta:
        if (calls_.add(event.call_index, event.text)) bytes += arguments(event.text);
        break;
      case EventKind::annotation: bytes += annotation(event.annotation); break;
      case EventKind::finish:
        bytes += close_all();
        reason_ = event.finish_reason;
        stop_sequence_ = event.stop_sequence;
        break;
      case EventKind::usage: usage_ = event.usage; break;
      case EventKind::end: bytes += end(); break;
    }
    return bytes;
  }

  std::string fail(const WireError& error) override {
    return event_bytes("error", AnthropicCodec().encode_error(error));
  }

 private:
  enum class Block { none, text, thinking, tool };

  std::string begin(const ChatEvent& event) {
    if (std::exchange(begun_, true)) return {};
    if (!event.model.empty()) model_ = event.model;
    usage_ = event.usage;
    json::Object message = {
        {"id", id_of("msg_", event.id)}, {"type", "message"},
        {"role", "assistant"},           {"model", model_},
        {"content", json::Array()},      {"stop_reason", nullptr},
        {"stop_sequence", nullptr},      {"usage", write_anthropic_usage(usage_)}};
    return event_bytes({{"type", "message_start"}, {"message", std::move(message)}}) +
           event_bytes({{"type", "ping"}});
  }

  std::string open(Block kind, json::Object block) {
    std::string bytes = close();
    block_ = kind;
    return bytes + event_bytes({{"type", "content_block_start"},
                                {"index", index_},
                                {"content_block", std::move(block)}});
  }

  std::string close() {
    if (std::exchange(block_, Block::none) == Block::none) return {};
    return event_bytes({{"type", "content_block_stop"}, {"index", index_++}});
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

  std::string delta(json::Object delta) {
    return event_bytes(
        {{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}});
  }

  std::string open_text() {
    if (block_ == Block::text) return {};
    std::string bytes = close_all();
    bytes += open(Block::text, {{"type", "text"}, {"text", ""}, {"citations", nullptr}});
    return bytes;
  }

  std::string text(const std::string& text) {
    if (text.empty()) return {};
    std::string bytes = open_text();
    bytes += delta({{"type", "text_delta"}, {"text", text}});
    return bytes;
  }

  std::string reasoning(const ChatEvent& event) {
    if (!event.data.empty()) {
      std::string bytes = close_all();
      bytes += open(Block::thinking, {{"type", "redacted_thinking"}, {"data", event.data}});
      return bytes + close();
    }
    std::string bytes;
    if (block_ != Block::thinking) {
      bytes = close_all();
      bytes += open(Block::thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
    }
    if (!event.text.empty()) bytes += delta({{"type", "thinking_delta"}, {"thinking", event.text}});
    if (!event.signature.empty())
      bytes += delta({{"type", "signature_delta"}, {"signature", event.signature}});
    return bytes;
  }

  std::string open_call(const ToolCall& call) {
    std::string bytes = open(Block::tool, {{"type", "tool_use"},
                                           {"id", call.id.empty() ? new_id("toolu_") : call.id},
                                           {"name", call.name},
                                           {"input", json::Object()}});
    return bytes + arguments(call.arguments);
  }

  std::string arguments(const std::string& piece) {
    if (piece.empty()) return {};
    return delta({{"type", "input_json_delta"}, {"partial_json", piece}});
  }

  std::string annotation(const Annotation& annotation) {
    json::Object citation = write_citation(annotation, citations_++);
    std::string bytes = open_text();
    bytes += delta({{"type", "citations_delta"}, {"citation", std::move(citation)}});
    return bytes;
  }

  std::string end() {
    std::string bytes = close_all();
    json::Object stop = {{"stop_reason", write_stop_reason(reason_, stop_sequence_, has_refused_)},
                         {"stop_sequence", nullptr}};
    put(stop, "stop_sequence", stop_sequence_);
    bytes += event_bytes({{"type", "message_delta"},
                          {"delta", std::move(stop)},
                          {"usage", write_anthropic_usage(usage_)}});
    return bytes + event_bytes({{"type", "message_stop"}});
  }

  std::string model_;
  bool begun_ = false;
  Block block_ = Block::none;
  std::size_t index_ = 0;
  CallQueue calls_;
  std::size_t citations_ = 0;
  bool has_refused_ = false;
  FinishReason reason_ = FinishReason::stop;
  std::string stop_sequence_;
  ChatUsage usage_;
};

class Decoder final : public SseDecoder {
 private:
  struct Block {
    std::string type;
    std::size_t call = 0;
    std::size_t start = 0;  ///< Of a text block, in code points of all text.
    std::vector<Annotation> citations;
  };

  Result<void> take(const std::string&, std::string_view data) override {
    const json::Value value = TRY(json::parse(data).within("an event of the stream"));
    if (!value.is_object()) return stream_error("an event of the stream is not an object");
    const json::Object& event = value.get_object();
    const std::string type = text_of(event, "type");
    if (type == "message_start") return start(event);
    if (type == "content_block_start") return open(event);
    if (type == "content_block_delta") return delta(event);
    if (type == "content_block_stop") return close(event);
    if (type == "message_delta") return finish_of(event);
    if (type == "message_stop") {
      if (!begun_) return stream_error("the stream ended before it began");
      ChatEvent usage{.kind = EventKind::usage};
      usage.usage = usage_;
      add(std::move(usage));
      end();
      return {};
    }
    if (type == "error") {
      const json::Object* error = object_of(event, "error");
      return stream_error(error ? text_of(*error, "message") : "");
    }
    return {};  // ping, and what is yet to come.
  }

  Result<void> start(const json::Object& event) {
    begun_ = true;
    ChatEvent begin{.kind = EventKind::start};
    begin.from = Dialect::anthropic;
    if (const json::Object* message = object_of(event, "message")) {
      begin.id = text_of(*message, "id");
      begin.model = text_of(*message, "model");
      if (const json::Object* usage = object_of(*message, "usage"))
        read_anthropic_usage(*usage, usage_);
    }
    begin.usage = usage_;
    add(std::move(begin));
    return {};
  }

  Result<void> open(const json::Object& event) {
    const json::Object* block = object_of(event, "content_block");
    if (block == nullptr) return stream_error("content_block_start has no content_block");
    if (blocks_.size() >= blocks_max) return stream_error("the stream has too many blocks");
    Block& mine = blocks_[whole_of(event, "index")];
    mine = {.type = text_of(*block, "type"), .start = text_length_};
    if (mine.type == "text") {
      text(text_of(*block, "text"));
      add_citations(*block, mine);
    } else if (mine.type == "thinking") {
      const std::string thinking = text_of(*block, "thinking");
      if (!thinking.empty()) add({.kind = EventKind::reasoning, .text = thinking});
    } else if (mine.type == "redacted_thinking") {
      ChatEvent hidden{.kind = EventKind::reasoning};
      hidden.data = text_of(*block, "data");
      add(std::move(hidden));
    } else if (mine.type == "tool_use") {
      mine.call = calls_++;
      ChatEvent call{.kind = EventKind::tool_start};
      call.call_index = mine.call;
      call.call.id = text_of(*block, "id");
      call.call.name = text_of(*block, "name");
      add(std::move(call));
      if (const json::Object* input = object_of(*block, "input"); input && !input->empty())
        arguments(mine, json::dump(*input));
    }
    return {};
  }

  Result<void> delta(const json::Object& event) {
    const auto found = blocks_.find(whole_of(event, "index"));
    const json::Object* delta = object_of(event, "delta");
    if (found == blocks_.end() || delta == nullptr)
      return stream_error("content_block_delta belongs to no block");
    const std::string type = text_of(*delta, "type");
    if (type == "text_delta") {
      text(text_of(*delta, "text"));
    } else if (type == "thinking_delta") {
      add({.kind = EventKind::reasoning, .text = text_of(*delta, "thinking")});
    } else if (type == "signature_delta") {
      ChatEvent signature{.kind = EventKind::reasoning};
      signature.signature = text_of(*delta, "signature");
      add(std::move(signature));
    } else if (type == "input_json_delta" && found->second.type == "tool_use") {
      arguments(found->second, text_of(*delta, "partial_json"));
    } else if (type == "citations_delta") {
      if (const json::Object* citation = object_of(*delta, "citation"))
        found->second.citations.push_back(read_citation(*citation));
    }
    return {};
  }

  /// Only now is known which text its citations are about.
  Result<void> close(const json::Object& event) {
    const auto found = blocks_.find(whole_of(event, "index"));
    if (found == blocks_.end()) return {};
    for (Annotation& citation : found->second.citations) {
      ChatEvent annotation{.kind = EventKind::annotation};
      annotation.annotation = std::move(citation);
      annotation.annotation.start = found->second.start;
      annotation.annotation.end = text_length_;
      add(std::move(annotation));
    }
    found->second.citations.clear();
    return {};
  }

  Result<void> finish_of(const json::Object& event) {
    if (const json::Object* usage = object_of(event, "usage")) read_anthropic_usage(*usage, usage_);
    const json::Object* delta = object_of(event, "delta");
    const std::string word = delta ? text_of(*delta, "stop_reason") : "";
    if (word.empty()) return {};
    ChatEvent finish{.kind = EventKind::finish};
    const StopWord stop = read_stop_reason(word);
    finish.finish_reason = stop.reason;
    finish.hit_stop_sequence = stop.hit_stop_sequence;
    finish.stop_sequence = text_of(*delta, "stop_sequence");
    add(std::move(finish));
    return {};
  }

  void add_citations(const json::Object& block, Block& mine) {
    if (const json::Array* citations = array_of(block, "citations"))
      for (const json::Value& item : *citations)
        if (item.is_object()) mine.citations.push_back(read_citation(item.get_object()));
  }

  void text(std::string text) {
    if (text.empty()) return;
    text_length_ += length_of(text);
    add({.kind = EventKind::text, .text = std::move(text)});
  }

  void arguments(const Block& block, std::string piece) {
    if (piece.empty()) return;
    ChatEvent event{.kind = EventKind::tool_delta, .text = std::move(piece)};
    event.call_index = block.call;
    add(std::move(event));
  }

  bool begun_ = false;
  std::map<std::int64_t, Block> blocks_;
  std::size_t calls_ = 0;
  std::size_t text_length_ = 0;
  ChatUsage usage_;
};

}  // namespace

std::unique_ptr<StreamEncoder> AnthropicCodec::stream_encoder(const ChatRequest& request) const {
  return std::make_unique<Encoder>(request);
}

std::unique_ptr<StreamDecoder> AnthropicCodec::stream_decoder() const {
  return std::make_unique<Decoder>();
}

}  // namespace slipway::dialects::detail
