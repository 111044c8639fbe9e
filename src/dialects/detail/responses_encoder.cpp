// Responses as a stream of events, as a server.
#include "core/clock.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

namespace {

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(const ChatRequest& request)
      : head_(response_head(request, "",
                            std::chrono::floor<std::chrono::seconds>(system_clock().now())
                                .time_since_epoch()
                                .count())) {}

  std::string encode(const ChatEvent& event) override {
    if (event.choice != 0) return {};  // Callers of this API cannot ask for several.
    std::string bytes = begin(event);
    switch (event.kind) {
      case EventKind::start: break;
      case EventKind::text: bytes += text(event); break;
      case EventKind::refusal: bytes += refusal(event.text); break;
      case EventKind::reasoning: bytes += reasoning(event); break;
      case EventKind::tool_start: bytes += open_call(event); break;
      case EventKind::tool_delta: bytes += arguments(event); break;
      case EventKind::annotation: bytes += annotation(event.annotation); break;
      case EventKind::finish:
        reason_ = event.finish_reason;
        bytes += close_all();
        break;
      case EventKind::usage: usage_ = event.usage; break;
      case EventKind::end:
        bytes += close_all();
        bytes += end();
        break;
    }
    return bytes;
  }

  std::string fail(const WireError& error) override {
    std::string bytes = begin({});
    const std::string code = error.code.empty() ? "server_error" : error.code;
    json::Object response = head_;
    response["status"] = "failed";
    response["error"] = {{"code", code}, {"message", error.message}};
    json::Array complete;
    for (const json::Value& item : output_)
      if (!item.is_null()) complete.push_back(item);
    response["output"] = std::move(complete);
    bytes += event("response.failed", {{"response", std::move(response)}});
    // The SDKs raise for an `error` in the data; its other keys are what they declare.
    json::Object data = write_error(error).get_object();
    data["code"] = code;
    data["message"] = error.message;
    data["param"] = nullptr;
    return bytes + event("error", std::move(data));
  }

 private:
  enum class Item { none, message, reasoning };
  struct Call {
    std::size_t output_index = 0;
    std::string id;
    ToolCall call;
    bool done = false;
  };

  std::string event(std::string_view type, json::Object data) {
    data["type"] = type;
    data["sequence_number"] = sequence_++;
    return event_bytes(type, data);
  }

  /// Of an item's part.
  std::string part_event(std::string_view type, json::Object data) {
    data["item_id"] = item_id_;
    data["output_index"] = output_index_;
    data[item_ == Item::reasoning ? "summary_index" : "content_index"] =
        item_ == Item::reasoning ? 0 : content_.size();
    return event(type, std::move(data));
  }

  std::string begin(const ChatEvent& event_in) {
    if (std::exchange(begun_, true)) return {};
    head_["id"] = id_of("resp_", event_in.id);
    from_ = event_in.from;
    if (!event_in.model.empty()) head_["model"] = event_in.model;
    std::string bytes = event("response.created", {{"response", head_}});
    bytes += event("response.in_progress", {{"response", head_}});
    return bytes;
  }

  std::string open_item(Item kind) {
    if (item_ == kind) return {};
    std::string bytes = close_all();
    item_ = kind;
    output_index_ = output_.size();
    output_.push_back(nullptr);
    item_id_ = new_id(kind == Item::message ? "msg_" : "rs_");
    json::Object item = kind == Item::message ? message_item(item_id_, {}, "in_progress")
                                              : reasoning_item(item_id_, {});
    return bytes + event("response.output_item.added",
                         {{"output_index", output_index_}, {"item", std::move(item)}});
  }

  std::string open_part(bool is_refusal) {
    std::string bytes = open_item(Item::message);
    if (has_part_ && is_refusal_ == is_refusal) return bytes;
    bytes += close_part();
    has_part_ = true;
    is_refusal_ = is_refusal;
    part_ = is_refusal ? refusal_part("") : output_text_part("");
    return bytes + part_event("response.content_part.added", {{"part", part_}});
  }

  std::string text(const ChatEvent& event_in) {
    std::string bytes = open_part(/*is_refusal=*/false);
    text_ += event_in.text;
    json::Array logprobs = write_logprobs(event_in.logprobs);
    for (const json::Value& token : logprobs) part_["logprobs"].get_array().push_back(token);
    return bytes + part_event("response.output_text.delta",
                              {{"delta", event_in.text}, {"logprobs", std::move(logprobs)}});
  }

  std::string refusal(const std::string& piece) {
    std::string bytes = open_part(/*is_refusal=*/true);
    text_ += piece;
    return bytes + part_event("response.refusal.delta", {{"delta", piece}});
  }

  std::string annotation(const Annotation& annotation) {
    std::string bytes = open_part(/*is_refusal=*/false);
    json::Array& all = part_["annotations"].get_array();
    json::Object item = write_annotation(annotation, /*is_nested=*/false);
    all.push_back(item);
    return bytes +
           part_event("response.output_text.annotation.added",
                      {{"annotation_index", all.size() - 1}, {"annotation", std::move(item)}});
  }

  std::string reasoning(const ChatEvent& event_in) {
    if (event_in.text.empty() && event_in.signature.empty()) return {};
    std::string bytes = open_item(Item::reasoning);
    signature_ += event_in.signature;
    if (event_in.text.empty()) return bytes;
    if (!std::exchange(has_part_, true))
      bytes += part_event("response.reasoning_summary_part.added",
                          {{"part", {{"type", "summary_text"}, {"text", ""}}}});
    text_ += event_in.text;
    return bytes + part_event("response.reasoning_summary_text.delta", {{"delta", event_in.text}});
  }

  std::string close_part() {
    if (!std::exchange(has_part_, false)) return {};
    std::string text = std::exchange(text_, {});
    std::string bytes;
    if (item_ == Item::reasoning) {
      bytes = part_event("response.reasoning_summary_text.done", {{"text", text}});
      bytes += part_event("response.reasoning_summary_part.done",
                          {{"part", {{"type", "summary_text"}, {"text", text}}}});
      thoughts_ = std::move(text);
      return bytes;
    }
    part_[is_refusal_ ? "refusal" : "text"] = text;
    if (is_refusal_)
      bytes = part_event("response.refusal.done", {{"refusal", text}});
    else
      bytes = part_event("response.output_text.done",
                         {{"text", text}, {"logprobs", part_["logprobs"]}});
    bytes += part_event("response.content_part.done", {{"part", part_}});
    content_.push_back(std::move(part_));
    return bytes;
  }

  std::string close_item() {
    if (item_ == Item::none) return {};
    std::string bytes = close_part();
    json::Object item;
    if (item_ == Item::message) {
      const bool is_cut = reason_ == FinishReason::length;
      item =
          message_item(item_id_, std::exchange(content_, {}), is_cut ? "incomplete" : "completed");
    } else {
      Part part;
      part.text = std::exchange(thoughts_, {});
      part.signature = std::exchange(signature_, {});
      part.signed_by = from_;
      item = reasoning_item(item_id_, part);
    }
    item_ = Item::none;
    output_[output_index_] = item;
    return bytes + event("response.output_item.done",
                         {{"output_index", output_index_}, {"item", std::move(item)}});
  }

  std::string open_call(const ChatEvent& event_in) {
    std::string bytes = close_item();
    Call& call = calls_[event_in.call_index];
    call.call = event_in.call;
    if (call.call.id.empty()) call.call.id = new_id("call_");
    call.id = new_id("fc_");
    call.output_index = output_.size();
    output_.push_back(nullptr);
    ToolCall begun = call.call;
    begun.arguments.clear();
    bytes += event(
        "response.output_item.added",
        {{"output_index", call.output_index}, {"item", call_item(call.id, begun, "in_progress")}});
    if (!call.call.arguments.empty()) bytes += arguments_delta(call, call.call.arguments);
    return bytes;
  }

  std::string arguments(const ChatEvent& event_in) {
    const auto found = calls_.find(event_in.call_index);
    if (found == calls_.end() || found->second.done) return {};
    found->second.call.arguments += event_in.text;
    return arguments_delta(found->second, event_in.text);
  }

  std::string arguments_delta(const Call& call, const std::string& piece) {
    return event("response.function_call_arguments.delta",
                 {{"item_id", call.id}, {"output_index", call.output_index}, {"delta", piece}});
  }

  std::string close_all() {
    std::string bytes = close_item();
    for (auto& [index, call] : calls_) {
      if (std::exchange(call.done, true)) continue;
      bytes += event("response.function_call_arguments.done", {{"item_id", call.id},
                                                               {"output_index", call.output_index},
                                                               {"name", call.call.name},
                                                               {"arguments", call.call.arguments}});
      json::Object item = call_item(call.id, call.call, "completed");
      output_[call.output_index] = item;
      bytes += event("response.output_item.done",
                     {{"output_index", call.output_index}, {"item", std::move(item)}});
    }
    return bytes;
  }

  std::string end() {
    json::Object response = head_;
    response["output"] = output_;
    response["usage"] = write_responses_usage(usage_);
    write_status(response, reason_);
    const bool is_whole = response["status"] == json::Value("completed");
    return event(is_whole ? "response.completed" : "response.incomplete",
                 {{"response", std::move(response)}});
  }

  json::Object head_;
  std::optional<Dialect> from_;
  std::size_t sequence_ = 0;
  bool begun_ = false;
  json::Array output_;  ///< What is complete; null: not yet.
  Item item_ = Item::none;
  std::string item_id_;
  std::size_t output_index_ = 0;
  json::Array content_;  ///< Complete parts of the message.
  json::Object part_;
  bool has_part_ = false, is_refusal_ = false;
  std::string text_, thoughts_, signature_;
  std::map<std::size_t, Call> calls_;
  FinishReason reason_ = FinishReason::stop;
  ChatUsage usage_;
};

}  // namespace

std::unique_ptr<StreamEncoder> ResponsesCodec::stream_encoder(const ChatRequest& request) const {
  return std::make_unique<Encoder>(request);
}

}  // namespace slipway::dialects::detail
