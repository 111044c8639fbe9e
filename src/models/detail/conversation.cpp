#include "models/detail/conversation.hpp"

#include <cmath>

#include "core/clock.hpp"
#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;
using dialects::PartKind;

constexpr std::int64_t choices_max = 128;  // OpenAI's.
constexpr std::int64_t top_logprobs_max = 20;
constexpr std::size_t tools_max = 128;
constexpr std::size_t biases_max = 4096;

Result<void> in_range(std::string_view name, std::optional<double> value, double min, double max) {
  if (!value || (std::isfinite(*value) && *value >= min && *value <= max)) return {};
  return fail(Code::invalid_argument, "{}: {} is outside of {}..{}", name, *value, min, max);
}

Result<void> in_range(std::string_view name, std::optional<std::int64_t> value, std::int64_t min,
                      std::int64_t max) {
  if (!value || (*value >= min && *value <= max)) return {};
  return fail(Code::invalid_argument, "{}: {} is outside of {}..{}", name, *value, min, max);
}

Result<void> check_text(std::string_view path, std::string_view text) {
  if (unicode::is_valid_utf8(text)) return {};
  return fail(Code::invalid_argument, "{}: it is not valid UTF-8", path);
}

Result<void> check_messages(const std::vector<dialects::Message>& messages) {
  if (messages.empty()) return fail(Code::invalid_argument, "messages: there are none");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    for (const dialects::Part& part : messages[i].parts) {
      TRY(check_text(path, part.text));
      TRY(check_text(path, part.title));
    }
    for (const dialects::ToolCall& call : messages[i].tool_calls) {
      TRY(check_text(path, call.name));
      TRY(check_text(path, call.arguments));
    }
  }
  return {};
}

Result<void> check_tools(const dialects::ChatRequest& request) {
  if (request.tools.size() > tools_max)
    return fail(Code::invalid_argument, "tools: {} are more than {}", request.tools.size(),
                tools_max);
  bool is_named = false;
  for (std::size_t i = 0; i < request.tools.size(); ++i) {
    const dialects::Tool& tool = request.tools[i];
    if (tool.name.empty()) return fail(Code::invalid_argument, "tools[{}].name: it is empty", i);
    TRY(check_text(fmt::format("tools[{}].name", i), tool.name));
    TRY(check_text(fmt::format("tools[{}].description", i), tool.description));
    is_named = is_named || tool.name == request.tool_name;
    for (std::size_t j = 0; j < i; ++j)
      if (request.tools[j].name == tool.name)
        return fail(Code::invalid_argument, "tools[{}].name: '{}' is there twice", i, tool.name);
  }
  if (request.tool_choice == dialects::ToolChoice::named && !is_named)
    return fail(Code::invalid_argument, "tool_choice: there is no tool '{}'", request.tool_name);
  if (request.tool_choice == dialects::ToolChoice::required && request.tools.empty())
    return fail(Code::invalid_argument, "tool_choice: a call is required, but there are no tools");
  return {};
}

Result<void> check_stops(const std::vector<std::string>& stops) {
  constexpr std::size_t stops_max = 64;
  if (stops.size() > stops_max)
    return fail(Code::invalid_argument, "stop: {} strings are more than {}", stops.size(),
                stops_max);
  for (const std::string& stop : stops)
    if (stop.empty() || !unicode::is_valid_utf8(stop))
      return fail(Code::invalid_argument, "stop: a string is empty or not UTF-8; remove it");
  return {};
}

Result<void> check_biases(const std::map<std::string, double>& biases) {
  if (biases.size() > biases_max)
    return fail(Code::invalid_argument, "logit_bias: {} entries are more than {}", biases.size(),
                biases_max);
  for (const auto& [token, bias] : biases)
    TRY(in_range(fmt::format("logit_bias.{}", token), std::optional(bias), -100, 100));
  return {};
}

/// The choice's last part of this kind, made when there is none at the end.
std::string& open_part(dialects::Choice& choice, PartKind kind) {
  if (choice.parts.empty() || choice.parts.back().kind != kind) {
    choice.parts.emplace_back();
    choice.parts.back().kind = kind;
  }
  return choice.parts.back().text;
}

}  // namespace

Result<void> check_conversation(const dialects::ChatRequest& request) {
  TRY(check_messages(request.messages));
  TRY(in_range("max_tokens", request.max_tokens, 1, std::numeric_limits<int>::max()));
  TRY(in_range("temperature", request.temperature, 0, 100));
  TRY(in_range("top_p", request.top_p, 0, 1));
  TRY(in_range("min_p", request.min_p, 0, 1));
  TRY(in_range("top_k", request.top_k, 0, std::numeric_limits<int>::max()));
  TRY(in_range("frequency_penalty", request.frequency_penalty, -2, 2));
  TRY(in_range("presence_penalty", request.presence_penalty, -2, 2));
  TRY(in_range("repeat_penalty", request.repeat_penalty, 0.01, 100));
  TRY(in_range("n", request.choices, 1, choices_max));
  TRY(in_range("top_logprobs", request.top_logprobs, 0, top_logprobs_max));
  TRY(check_stops(request.stop));
  TRY(check_biases(request.logit_bias));
  TRY(check_tools(request));
  if (request.extra.empty()) return {};
  return fail(Code::unsupported, "{}: only models of the dialect that has it take it; leave it out",
              std::string_view(request.extra.begin()->key()));
}

Error not_taken(std::string_view parameter, std::string_view model, std::string_view remedy) {
  return fail(Code::unsupported, "{}: model '{}' does not take it; {}", parameter, model, remedy);
}

Result<std::string> text_of(const dialects::Message& message, std::string_view path,
                            std::string_view model) {
  std::string text;
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const dialects::Part& part = message.parts[i];
    const bool is_text = part.kind == PartKind::text || part.kind == PartKind::refusal ||
                         (part.kind == PartKind::document && part.url.empty() && part.data.empty());
    if (!is_text)
      return not_taken(fmt::format("{}.{}[{}]", path, "content", i), model,
                       fmt::format("it reads text, and this is {}", json::name(part.kind)));
    if (!text.empty()) text += '\n';
    if (!part.title.empty()) text += part.title + '\n';
    text += part.text;
  }
  return text;
}

Result<std::vector<Message>> plain_messages(const dialects::ChatRequest& request,
                                            std::string_view model) {
  std::vector<Message> messages;
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const dialects::Message& message = request.messages[i];
    const std::string path = fmt::format("messages[{}]", i);
    if (message.role == dialects::Role::tool || !message.tool_calls.empty())
      return not_taken(path + (message.tool_calls.empty() ? ".role" : ".tool_calls"), model,
                       "it has no tools");
    Role role = Role::user;
    if (message.role == dialects::Role::assistant) role = Role::assistant;
    if (message.role == dialects::Role::system || message.role == dialects::Role::developer)
      role = Role::system;
    auto text = TRY(text_of(message, path, model));
    messages.push_back({role, std::move(text)});
  }
  return messages;
}

dialects::ChatUsage usage_of(const Usage& usage) {
  dialects::ChatUsage result;
  result.input_tokens = usage.input_tokens;
  result.output_tokens = usage.output_tokens;
  result.cached_input_tokens = usage.cached_input_tokens;
  return result;
}

ReplyBuilder::ReplyBuilder(std::string model, std::size_t choices, const EventSink& sink)
    : sink_(sink) {
  reply_.id = make_id("chat");
  reply_.model = std::move(model);
  reply_.created =
      std::chrono::floor<std::chrono::seconds>(system_clock().now()).time_since_epoch().count();
  reply_.choices.resize(choices);
}

bool ReplyBuilder::add(ChatEvent event) {
  if (!is_started_) {
    is_started_ = true;
    ChatEvent start;
    start.kind = EventKind::start;
    send(start);
  }
  if (is_refused_) return false;
  join(event);
  return send(event);
}

bool ReplyBuilder::send(const ChatEvent& event) {
  if (!sink_ || is_refused_) return !is_refused_;
  ChatEvent named = event;
  named.id = reply_.id;
  named.model = reply_.model;
  if (!sink_(named)) is_refused_ = true;
  return !is_refused_;
}

void ReplyBuilder::join(const ChatEvent& event) {
  SLIPWAY_ASSERT(event.choice < reply_.choices.size());
  dialects::Choice& choice = reply_.choices[event.choice];
  choice.logprobs.insert(choice.logprobs.end(), event.logprobs.begin(), event.logprobs.end());
  switch (event.kind) {
    case EventKind::text: open_part(choice, PartKind::text) += event.text; break;
    case EventKind::refusal: open_part(choice, PartKind::refusal) += event.text; break;
    case EventKind::reasoning:
      open_part(choice, PartKind::reasoning) += event.text;
      if (!event.signature.empty()) choice.parts.back().signature = event.signature;
      break;
    case EventKind::tool_start:
      SLIPWAY_ASSERT(event.call_index == choice.tool_calls.size());
      choice.tool_calls.push_back(event.call);
      break;
    case EventKind::tool_delta:
      SLIPWAY_ASSERT(event.call_index < choice.tool_calls.size());
      choice.tool_calls[event.call_index].arguments += event.text;
      break;
    case EventKind::annotation: choice.annotations.push_back(event.annotation); break;
    case EventKind::finish:
      choice.finish_reason = event.finish_reason;
      choice.stop_sequence = event.stop_sequence;
      break;
    case EventKind::start:
    case EventKind::usage:
    case EventKind::end: break;
  }
}

dialects::ChatReply ReplyBuilder::finish(const dialects::ChatUsage& usage) {
  reply_.usage = usage;
  if (is_started_ && !is_refused_) {
    ChatEvent event;
    event.kind = EventKind::usage;
    event.usage = usage;
    send(event);
    event.kind = EventKind::end;
    send(event);
  }
  return std::move(reply_);
}

}  // namespace slipway::models::detail
