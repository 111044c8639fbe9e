#include "dialects/detail/shared.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/unicode.hpp"

namespace slipway::dialects::detail {

namespace {

/// What a peer sent, as text for a message.
std::string beginning_of(std::string_view bytes) {
  constexpr std::size_t bytes_max = 300;
  std::string text;
  for (std::size_t at = 0; at < bytes.size() && text.size() < bytes_max;) {
    const unicode::Decoded next = unicode::decode(bytes, at);
    unicode::append(text, next.code_point < 0x20 ? U' ' : next.code_point);
    at += next.bytes;
  }
  return text.empty() ? "no message" : text;
}

}  // namespace

std::string_view api_name(Dialect dialect) {
  switch (dialect) {
    case Dialect::openai: return "OpenAI's chat completions";
    case Dialect::openai_responses: return "OpenAI's responses";
    case Dialect::openai_completions: return "OpenAI's completions";
    case Dialect::anthropic: return "Anthropic's messages";
    case Dialect::cohere: return "Cohere's chat";
  }
  return "this API";
}

Result<void> read_messages(Fields& in, const std::function<void(Fields&)>& read) {
  const json::Array* messages = in.array("messages");
  if (messages == nullptr) {
    in.refuse(fail(Code::invalid_argument, "messages: is missing"));
    return {};
  }
  for (std::size_t i = 0; i < messages->size(); ++i) {
    Fields fields((*messages)[i], at("messages", i));
    read(fields);
    TRY(fields.status());
  }
  if (messages->empty())
    in.refuse(fail(Code::invalid_argument, "messages: has no message; send at least one"));
  return {};
}

void read_tool_choice(Fields& in, ChatRequest& request,
                      const std::function<std::string(Fields&)>& name_of) {
  const json::Value* choice = in.find("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_string()) {
    const std::string_view word = choice->get_string();
    if (word == "none") request.tool_choice = ToolChoice::none;
    if (word == "required") request.tool_choice = ToolChoice::required;
    if (word != "none" && word != "required" && word != "auto")
      in.wrong("tool_choice", "none, auto, required or an object", *choice);
    return;
  }
  Fields fields(*choice, in.path("tool_choice"));
  if (fields.required_text("type") == "function") {
    request.tool_choice = ToolChoice::named;
    request.tool_name = name_of(fields);
  } else {
    request.extra["tool_choice"] = *choice;
  }
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

Report::Report(const ChatRequest& request, Dialect target, std::vector<Unsupported>& unsupported)
    : request_(request),
      target_(api_name(target)),
      unsupported_(unsupported),
      same_(request.from == target) {
  if (same_) return;
  const auto is_family = [](std::optional<Dialect> dialect) {
    return dialect == Dialect::openai || dialect == Dialect::openai_responses;
  };
  const bool in_family = is_family(request.from) && is_family(target);
  for (Unsupported& item : foreign(request)) {
    const bool is_shared =
        item.parameter == "verbosity" || item.parameter == "text.verbosity" ||
        std::find(family_keys.begin(), family_keys.end(), item.parameter) != family_keys.end();
    if (!in_family || !is_shared) at(std::move(item.parameter));
  }
}

void Report::member(std::string_view name, std::string reason) {
  at(spelled(request_, name), std::move(reason));
}

void Report::at(std::string path, std::string reason) {
  if (reason.empty()) reason = fmt::format("{} cannot say it", target_);
  unsupported_.push_back({std::move(path), std::move(reason)});
}

Error not_this_dialect(Dialect dialect, const Error& error) {
  return fail(Code::unavailable, "the reply is not one of {}: {}", api_name(dialect),
              error.message());
}

bool split_data_uri(std::string_view url, std::string& media_type, std::string& data) {
  if (!url.starts_with("data:")) return false;
  const std::size_t comma = url.find(',');
  if (comma == std::string_view::npos) return false;
  std::string_view head = url.substr(5, comma - 5);
  constexpr std::string_view marker = ";base64";
  if (!head.ends_with(marker)) return false;
  head.remove_suffix(marker.size());
  media_type = head.substr(0, head.find(';'));
  data = url.substr(comma + 1);
  return true;
}

std::string data_uri(const Part& part, std::string_view media_type_default) {
  const std::string_view type = part.media_type.empty() ? media_type_default : part.media_type;
  return fmt::format("data:{};base64,{}", type, part.data);
}

std::string new_id(std::string_view prefix) {
  const std::string id = make_id("");  // "_" and 26 characters.
  return std::string(prefix) + id.substr(1);
}

std::string id_of(std::string_view prefix, const std::string& id) {
  if (id.empty()) return new_id(prefix);
  return id.starts_with(prefix) ? id : std::string(prefix) + id;
}

std::string text_of(const std::vector<Part>& parts) {
  std::string text;
  for (const Part& part : parts)
    if (part.kind == PartKind::text) text += part.text;
  return text;
}

Part text_part(std::string text) {
  Part part;
  part.text = std::move(text);
  return part;
}

std::size_t length_of(std::string_view text) { return unicode::length(text); }

bool is_vendor_citation(const Annotation& annotation, std::string_view marker) {
  return annotation.source.contains(marker) && annotation.source.contains("type");
}

std::string event_bytes(std::string_view name, const json::Value& data) {
  std::string bytes;
  if (!name.empty()) {
    bytes += "event: ";
    bytes += name;
    bytes += '\n';
  }
  bytes += "data: ";
  bytes += json::dump(data);
  bytes += "\n\n";
  return bytes;
}

std::string event_bytes(const json::Object& data) {
  return event_bytes(text_of(data, "type"), data);
}

Error stream_error(std::string_view message) {
  return Error(Code::unavailable,
               message.empty() ? "the stream ended with an error" : std::string(message));
}

Error failed_answer(std::string_view message) {
  return Error(Code::unavailable,
               message.empty() ? "the model ended its answer with an error" : std::string(message));
}

WireError read_error(int status, std::string_view body) {
  WireError error{.status = status};
  const auto parsed = json::parse(body);
  if (const json::Object* object = parsed ? parsed->if_object() : nullptr) {
    if (const json::Object* inner = object_of(*object, "error")) object = inner;
    for (const std::string_view key : {"message", "error", "detail"})
      if (error.message.empty()) error.message = text_of(*object, key);
    error.code = text_of(*object, "code");
    if (error.code.empty()) error.code = text_of(*object, "type");
    error.parameter = text_of(*object, "param");
  }
  if (error.message.empty()) error.message = beginning_of(body);
  return error;
}

std::int64_t whole_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  const double number = value->to_number<double>();
  constexpr double limit = 1e15;  // Larger counts are nobody's.
  return number > 0 && number < limit ? static_cast<std::int64_t>(number) : 0;
}

std::string text_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::Object* object_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::Array* array_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

ToolCall read_call(const json::Object& call) {
  ToolCall read;
  read.id = text_of(call, "id");
  if (read.id.empty()) read.id = new_id("call_");
  if (const json::Object* function = object_of(call, "function")) {
    read.name = text_of(*function, "name");
    read.arguments = text_of(*function, "arguments");
  }
  return read;
}

Result<std::vector<ChatEvent>> SseDecoder::feed(std::string_view bytes) {
  if (error_) return *error_;
  parser_.feed(bytes, [&](const http::SseParser::Event& event) {
    if (ended_) return true;  // What comes after the end is nobody's.
    if (auto taken = take(event.event, event.data); !taken)
      error_ = stream_error(taken.error().message());
    return !error_;
  });
  if (!error_ && parser_.is_broken())
    error_ = stream_error("the stream has an event that is too long");
  // What came before the error is true; the next call tells of it.
  if (error_ && events_.empty()) return *error_;
  return std::exchange(events_, {});
}

Result<std::vector<ChatEvent>> SseDecoder::finish() {
  if (error_) return *error_;
  if (!ended_) take_end();
  if (!ended_) return fail(Code::unavailable, "the stream ended before its end");
  return std::exchange(events_, {});
}

void SseDecoder::end() {
  ended_ = true;
  ChatEvent event;
  event.kind = EventKind::end;
  add(std::move(event));
}

}  // namespace slipway::dialects::detail
