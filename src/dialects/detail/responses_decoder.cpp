// Responses as a stream of events, as a client.
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t items_max = 4096;

class Decoder final : public SseDecoder {
 private:
  struct Call {
    std::size_t index = 0;
    bool has_arguments = false;
  };

  Result<void> take(const std::string&, std::string_view data) override {
    if (data == "[DONE]") return {};
    const json::Value value = TRY(json::parse(data).within("an event of the stream"));
    if (!value.is_object()) return stream_error("an event of the stream is not an object");
    const json::Object& event = value.get_object();
    const std::string type = text_of(event, "type");
    if (type == "error" || event.contains("error")) return error_of(event);
    if (type == "response.created") return start(event);
    if (type == "response.completed" || type == "response.incomplete") return finish_of(event);
    if (type == "response.failed") {
      const json::Object* response = object_of(event, "response");
      return error_of(response ? *response : event);
    }
    if (!begun_) return stream_error("the stream begins with something else than response.created");
    return take_piece(type, event);
  }

  Result<void> take_piece(const std::string& type, const json::Object& event) {
    if (type == "response.output_text.delta") {
      ChatEvent text{.kind = EventKind::text, .text = text_of(event, "delta")};
      if (const json::Array* logprobs = array_of(event, "logprobs"))
        text.logprobs = read_logprobs(*logprobs);
      text_length_ += length_of(text.text);
      add(std::move(text));
    } else if (type == "response.refusal.delta") {
      add({.kind = EventKind::refusal, .text = text_of(event, "delta")});
    } else if (type == "response.reasoning_summary_text.delta" ||
               type == "response.reasoning_text.delta") {
      add({.kind = EventKind::reasoning, .text = text_of(event, "delta")});
    } else if (type == "response.output_item.added") {
      return open(event);
    } else if (type == "response.function_call_arguments.delta") {
      return arguments(event, text_of(event, "delta"));
    } else if (type == "response.output_item.done") {
      return close(event);
    } else if (type == "response.output_text.annotation.added") {
      if (const json::Object* object = object_of(event, "annotation")) {
        ChatEvent annotation{.kind = EventKind::annotation};
        annotation.annotation = read_annotation(*object);
        add(std::move(annotation));
      }
    }
    return {};
  }

  static Error error_of(const json::Object& event) {
    const json::Object* error = object_of(event, "error");
    return stream_error(text_of(error ? *error : event, "message"));
  }

  Result<void> start(const json::Object& event) {
    begun_ = true;
    ChatEvent begin{.kind = EventKind::start};
    begin.from = Dialect::openai_responses;
    if (const json::Object* response = object_of(event, "response")) {
      begin.id = text_of(*response, "id");
      begin.model = text_of(*response, "model");
    }
    add(std::move(begin));
    return {};
  }

  Result<void> open(const json::Object& event) {
    const json::Object* item = object_of(event, "item");
    if (item == nullptr || text_of(*item, "type") != "function_call") return {};
    if (calls_.size() >= items_max) return stream_error("the stream has too many items");
    const std::size_t index = calls_.size();
    if (!calls_.emplace(whole_of(event, "output_index"), Call{index}).second)
      return stream_error("the stream has two items of one output_index");
    ChatEvent call{.kind = EventKind::tool_start};
    call.call_index = index;
    call.call.id = text_of(*item, "call_id");
    call.call.name = text_of(*item, "name");
    add(std::move(call));
    if (std::string begun = text_of(*item, "arguments"); !begun.empty())
      return arguments(event, std::move(begun));
    return {};
  }

  Result<void> arguments(const json::Object& event, std::string piece) {
    const auto found = calls_.find(whole_of(event, "output_index"));
    if (found == calls_.end()) return stream_error("arguments belong to no call");
    if (piece.empty()) return {};
    found->second.has_arguments = true;
    ChatEvent delta{.kind = EventKind::tool_delta, .text = std::move(piece)};
    delta.call_index = found->second.index;
    add(std::move(delta));
    return {};
  }

  Result<void> close(const json::Object& event) {
    const json::Object* item = object_of(event, "item");
    if (item == nullptr) return {};
    const std::string type = text_of(*item, "type");
    if (type == "reasoning") {
      ChatEvent signature{.kind = EventKind::reasoning};
      signature.signature = text_of(*item, "encrypted_content");
      if (!signature.signature.empty()) add(std::move(signature));
    } else if (type == "function_call") {
      const auto found = calls_.find(whole_of(event, "output_index"));
      if (found == calls_.end())
        TRY(open(event));
      else if (!found->second.has_arguments)  // Some servers send them only at the end.
        return arguments(event, text_of(*item, "arguments"));
    }
    return {};
  }

  Result<void> finish_of(const json::Object& event) {
    const json::Object* response = object_of(event, "response");
    if (!begun_ || response == nullptr) return stream_error("the stream ended before it began");
    ChatEvent finish{.kind = EventKind::finish};
    finish.finish_reason = read_status(*response);
    if (finish.finish_reason == FinishReason::stop && !calls_.empty())
      finish.finish_reason = FinishReason::tool_calls;
    add(std::move(finish));
    if (const json::Object* usage = object_of(*response, "usage")) {
      ChatEvent counted{.kind = EventKind::usage};
      counted.usage = read_responses_usage(*usage);
      add(std::move(counted));
    }
    end();
    return {};
  }

  bool begun_ = false;
  std::map<std::int64_t, Call> calls_;
  std::size_t text_length_ = 0;
};

}  // namespace

std::unique_ptr<StreamDecoder> ResponsesCodec::stream_decoder() const {
  return std::make_unique<Decoder>();
}

}  // namespace slipway::dialects::detail
