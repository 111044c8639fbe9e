// What models are shown and what their replies come to: prompts, long conversations, values that
// fit a schema.
#include "agents/detail/task_run.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::string_view summary_words =
    "You sum up a conversation so that it can be gone on with by somebody who sees the summary "
    "only. Keep what was asked and decided, names, numbers, results of tools, what is still open. "
    "Leave out greetings and what was taken back. Write the summary and nothing else.";

std::string_view inside_fence(std::string_view text) {
  // Models like to put a fence around what they write.
  const std::size_t open = text.find("```");
  if (open == std::string_view::npos) return text;
  const std::size_t begin = text.find('\n', open), close = text.rfind("```");
  return begin != std::string_view::npos && close > begin ? text.substr(begin, close - begin)
                                                          : text;
}

/// The JSON of a reply, or, where words stand around it, what its outermost braces hold.
Result<Value> read_reply(std::string_view text) {
  auto value = parse_json(inside_fence(text));
  if (value) return value;
  const std::size_t open = text.find('{'), close = text.rfind('}');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return value;
  auto inner = parse_json(text.substr(open, close - open + 1));
  return inner ? std::move(inner) : std::move(value);
}

/// Or what is wrong with it.
struct Parsed {
  Value value;
  std::vector<std::string> faults;
};

Parsed parse(const Schema& schema, const Value& reply, std::int64_t max_tokens) {
  auto value = read_reply(reply.at("text").text());
  Parsed parsed;
  if (!value) {
    parsed.faults.push_back(fmt::format("the reply is no JSON: {}", value.error().message()));
    if (reply.at("cut") == Value(true))
      parsed.faults.push_back(
          fmt::format("it was cut off after max_tokens = {}; raise it", max_tokens));
    return parsed;
  }
  parsed.faults = schema.faults(*value);
  parsed.value = *std::move(value);
  return parsed;
}

}  // namespace

Outcome<ModelCall> TaskRun::model_call(const LlmBody& body, const Inputs& inputs) {
  ModelCall call{.schema = body.schema,
                 .max_tokens = body.max_tokens,
                 .temperature = body.temperature,
                 .seed = body.seed};
  const auto add = [&](const char* role, const Template& text) -> Outcome<bool> {
    ChatMessage message{.role = role};
    message.content = SLIPWAY_GET(text.write(inputs, &message.tainted));
    for (const TaintedSpan& span : message.tainted) call.taint |= span.taint;
    call.messages.push_back(std::move(message));
    return true;
  };
  if (body.system) SLIPWAY_GET(add("system", *body.system));
  if (body.prompt) SLIPWAY_GET(add("user", *body.prompt));
  if (!body.messages) return call;
  const Value list = SLIPWAY_GET(body.messages.evaluate(inputs));
  call.taint |= list.taint();
  if (!list.is_list()) return Failure{"type", "messages: a list of messages is expected"};
  Talk talk = read_talk(list);
  summary_ = std::move(talk.summary);
  if (summary_) summary_->upto += call.messages.size();
  std::move(talk.messages.begin(), talk.messages.end(), std::back_inserter(call.messages));
  return call;
}

void TaskRun::spoil_reply(const Failure& failure) {
  // The last first: should it break off between, the reply is asked for once more.
  for (auto call = task_.calls.end(); call != task_.calls.begin();) {
    --call;
    const bool is_of_reply = call->is_model && call->state == CallState::done &&
                             call->number >= reply_from_ && call->number < summary_calls;
    if (!is_of_reply) continue;
    CallRecord spoiled = *call;
    spoiled.state = CallState::failed;
    spoiled.failure = failure;
    call = task_.calls.erase(call);
    record_end(spoiled);
  }
}

TaskRun::Ran TaskRun::value_of_reply(const LlmBody& body, const ModelCall& asked,
                                     const Value& reply, std::uint32_t number) {
  if (!body.schema) return reply.at("text");
  Parsed parsed = parse(*body.schema, reply, body.max_tokens);
  if (parsed.faults.empty()) return std::move(parsed.value);
  Ran again = ask_again(body, asked, reply, parsed.faults, number);
  if (!again.ok()) return again;
  parsed = parse(*body.schema, again.value(), body.max_tokens);
  if (parsed.faults.empty()) return std::move(parsed.value);
  Failure failure{"schema", fmt::format("the reply does not fit the schema, nor does the one that "
                                        "was asked for instead: {}",
                                        fmt::join(parsed.faults, "; "))};
  spoil_reply(failure);
  return failure;
}

/// The same again, with the reply and what is wrong with it.
TaskRun::Ran TaskRun::ask_again(const LlmBody& body, const ModelCall& asked, const Value& reply,
                                const std::vector<std::string>& faults, std::uint32_t number) {
  // The first does not end the task any more, so it is written before the next is made.
  const CallRecord* first = find_call(reply_from_);
  if (std::holds_alternative<LlmBody>(node_.body) && first != nullptr && !was_called(number) &&
      !record_end(*first))
    return Failure{"cancelled", "the run was ended"};
  const ModelSpec& spec = scope_.agent->models[body.model];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  ModelCall call = asked;
  call.turn = asked.turn + 1;
  call.messages.push_back({.role = "assistant", .content = reply.at("text").text()});
  ChatMessage wish{.role = "user",
                   .content = fmt::format("That reply cannot be used:\n- {}\nReply once more, with "
                                          "JSON only, that fits this JSON Schema:\n{}",
                                          fmt::join(faults, "\n- "), dump(body.schema->json))};
  call.messages.push_back(std::move(wish));
  return call_model(spec, **model, std::move(call), number);
}

bool TaskRun::was_called(std::uint32_t number) const {
  const Recorded* recorded = options().recorded;
  if (recorded != nullptr)
    return recorded->calls.contains(fmt::format("{}|{}", task_key(scope_, task_), number));
  const std::lock_guard lock(mutex_);
  return std::any_of(task_.calls.begin(), task_.calls.end(), [&](const CallRecord& call) {
    return call.number == number && call.state == CallState::done;
  });
}

Outcome<bool> TaskRun::is_too_long(const LlmBody& body, const ModelCall& call) {
  const Summarize& rule = *body.context->summarize;
  ModelCall seen = call;
  seen.messages = shown({.messages = call.messages, .summary = summary_});
  if (rule.messages && spoken(seen.messages) > static_cast<std::size_t>(*rule.messages))
    return true;
  if (!rule.tokens) return false;
  const auto model = SLIPWAY_GET(options().services.model(scope_.agent->models[body.model]));
  return SLIPWAY_GET(model->measure(seen)) > *rule.tokens;
}

/// Whatever was decided before call `number` was made, is not decided anew: not after a crash, not
/// in a replay.
TaskRun::Ran TaskRun::sum_up(const LlmBody& body, const ModelCall& call, std::uint32_t number) {
  const Summarize& rule = *body.context->summarize;
  const std::uint32_t own = summary_calls + static_cast<std::uint32_t>(call.turn);
  const Talk talk{.messages = call.messages, .summary = summary_};
  const std::size_t upto = summary_end(talk, static_cast<std::size_t>(rule.keep));
  if (upto == 0) return Value();
  if (!was_called(own)) {
    if (was_called(number)) return Value();
    auto is_needed = is_too_long(body, call);
    if (!is_needed) return std::move(is_needed.failure());
    if (!*is_needed) return Value();
  }
  const ModelSpec& spec = scope_.agent->models[rule.model.value_or(body.model)];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  ModelCall ask{.node = path() + "/summary",
                .turn = call.turn,
                .taint = call.taint,
                .max_tokens = rule.max_tokens};
  ask.messages.push_back(
      {.role = "system",
       .content = rule.prompt.empty() ? std::string(summary_words) : rule.prompt});
  ask.messages.push_back(transcript(talk, upto));
  Ran ran = call_model(spec, **model, std::move(ask), own);
  if (!ran.ok()) return ran;
  summary_ = Summary{.text = ran.value().at("text").text(), .taint = call.taint, .upto = upto};
  has_new_summary_ = true;
  return Value();
}

TaskRun::Ran TaskRun::fit_context(const LlmBody& body, const ModelCall& call, ModelCall& seen,
                                  std::uint32_t number) {
  if (body.context && body.context->summarize) {
    Ran summed = sum_up(body, call, number);
    if (!summed.ok()) return summed;
  }
  seen.messages = shown({.messages = call.messages, .summary = summary_});
  if (!body.context || !body.context->trim) return Value();
  auto model = options().services.model(scope_.agent->models[body.model]);
  if (!model) return std::move(model.failure());
  const auto measure = [&](const std::vector<ChatMessage>& messages) {
    ModelCall part = seen;
    part.messages = messages;
    return (*model)->measure(part);
  };
  auto left = trimmed(std::move(seen.messages), *body.context->trim, measure);
  if (!left) return std::move(left.failure());
  seen.messages = *std::move(left);
  return Value();
}

std::optional<Value> TaskRun::kept_summary(const LlmBody& body,
                                           const std::vector<ChatMessage>& messages) const {
  if (!has_new_summary_ || !body.context->summarize->key || place_.item >= 0) return std::nullopt;
  const std::string& covered = messages[summary_->upto - 1].id;
  return to_value(*summary_, effect_key(0) + ".summary", covered);
}

TaskRun::Ran TaskRun::run_llm(const LlmBody& body, const Inputs& inputs) {
  const ModelSpec& spec = scope_.agent->models[body.model];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  auto call = model_call(body, inputs);
  if (!call) return std::move(call.failure());
  ModelCall seen = *call;
  Ran fitted = fit_context(body, *call, seen, 0);
  if (!fitted.ok()) return fitted;
  reply_from_ = 0;
  Ran ran = call_model(spec, **model, seen, 0);
  if (!ran.ok()) return ran;
  Ran made = value_of_reply(body, seen, ran.value(), 1);
  if (!made.ok()) return made;
  summary_message_ = kept_summary(body, call->messages);
  if (summary_message_) summary_message_->add_taint(call->taint);
  return tainted_throughout(std::move(made.value()), call->taint);
}

}  // namespace slipway::agents::detail
