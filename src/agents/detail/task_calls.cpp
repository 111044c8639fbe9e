// Calls of models and tools: reserved, written down, made, settled; never made twice.
#include "agents/detail/task_run.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

std::string short_hash(const std::string& text) {
  constexpr std::size_t prefix = 7, digits = 32;
  return sha256(text).substr(prefix, digits);
}

Value to_value(const ModelReply& reply) {
  Value value = Value::map({{"text", reply.text}});
  if (reply.tool_calls.empty()) return value;
  std::vector<Value> calls;
  for (const ToolRequest& call : reply.tool_calls)
    calls.push_back(Value::map({{"id", call.id}, {"name", call.name}, {"args", call.args}}));
  value.put("tool_calls", Value::list(std::move(calls)));
  return value;
}

std::string prompt_hash(const ModelCall& call) {
  std::string text;
  for (const ChatMessage& message : call.messages) {
    text += message.role + "\n" + message.content + "\n";
    for (const ToolRequest& request : message.tool_calls)
      text += request.name + dump_canonical(request.args) + "\n";
  }
  return short_hash(text);
}

double price_of(const ModelSpec& spec, std::int64_t input, std::int64_t output) {
  return (static_cast<double>(input) * spec.input_usd_per_million +
          static_cast<double>(output) * spec.output_usd_per_million) /
         1e6;
}

}  // namespace

CallRecord* TaskRun::find_call(std::uint32_t number) {
  for (CallRecord& call : task_.calls)
    if (call.number == number) return &call;
  return nullptr;
}

std::optional<TaskRun::Ran> TaskRun::replay_call(std::uint32_t number, const std::string& args_hash,
                                                 const std::string& what) {
  const Recorded* recorded = options().recorded;
  if (recorded == nullptr) return std::nullopt;
  const auto found = recorded->calls.find(fmt::format("{}|{}", task_key(scope_, task_), number));
  const CallRecord* call = nullptr;
  if (found != recorded->calls.end())
    for (const CallRecord& each : found->second) {
      const bool has_ended = each.state == CallState::done || each.state == CallState::failed;
      // An attempt that broke off was made again as the next one.
      if (has_ended && (call == nullptr || call->attempt < task_.attempts)) call = &each;
    }
  if (call == nullptr || call->args_hash != args_hash) {
    engine_.note_missing(path(), what);
    return Stop{.state = TaskState::stopped};
  }
  std::erase_if(task_.calls, [&](const CallRecord& other) { return other.number == number; });
  task_.calls.push_back(*call);
  options().purse.restore(call->used, 0);
  if (call->state == CallState::failed) return call->failure;
  return call->result;
}

std::string TaskRun::effect_key(std::uint32_t number) const {
  return "e_" + short_hash(fmt::format("{}\n{}\n{}{}\n{}\n{}\n{}\n{}", options().run,
                                       options().branch, scope_.address, path(), place_.address(),
                                       task_.index, task_.visit, number));
}

/// An empty value: granted. What was asked for and answered has raised the limit already.
TaskRun::Ran TaskRun::reserve(const Usage& wish, std::uint32_t number) {
  if (engine_.is_finishing()) return Stop{.state = TaskState::cut};
  for (;;) {
    switch (options().purse.reserve(context_, wish)) {
      case Purse::Answer::granted: return Value();
      case Purse::Answer::cancelled: return failure_of(context_.check().error());
      case Purse::Answer::spent: break;
    }
    const Budget limits = options().purse.limits();
    if (limits.on_exceed == OnExceed::finish) {
      engine_.is_finishing_ = true;
      return Stop{.state = TaskState::cut};
    }
    const Value left = options().purse.left();
    const Value needed =
        Value::map({{"tokens", wish.tokens}, {"usd", wish.usd}, {"calls", wish.calls}});
    if (limits.on_exceed == OnExceed::fail)
      return Failure{"budget", fmt::format("the budget has no room for this call: it may take {} "
                                           "tokens, left are {}",
                                           wish.tokens, dump(left))};
    int round = 0;
    while (answer(fmt::format("budget:{}:{}", number, round)) != nullptr) ++round;
    return ask("budget", fmt::format("budget:{}:{}", number, round),
               Value::map({{"needed", needed}, {"left", left}}), 0);
  }
}

TaskRun::Ran TaskRun::call_model(const ModelSpec& spec, Model& model, ModelCall call,
                                 std::uint32_t number) {
  CallRecord* known = find_call(number);
  if (known != nullptr && known->state == CallState::done) return known->result;
  call.node = path();
  call.index = script_index();
  call.visit = static_cast<int>(task_.visit);
  call.attempt = task_.attempts;
  if (auto replayed = replay_call(number, prompt_hash(call), "model " + spec.name))
    return *std::move(replayed);
  auto prompt = model.count_tokens(call);
  if (!prompt) return std::move(prompt.failure());
  const Usage wish{.tokens = *prompt + call.max_tokens,
                   .calls = 1,
                   .usd = price_of(spec, *prompt, call.max_tokens)};
  if (options().purse.budget().usd && !spec.is_priced)
    return Failure{"budget", fmt::format("nobody knows what model '{}' costs, so a budget in usd "
                                         "cannot be kept; give it its prices",
                                         spec.name)};
  Ran granted = reserve(wish, number);
  if (!granted.ok()) return granted;
  CallRecord record{.number = number,
                    .is_model = true,
                    .tool = spec.name,
                    .key = effect_key(number),
                    .args_hash = prompt_hash(call),
                    .attempt = task_.attempts,
                    .reserved = wish};
  auto kept = options().recorder.call_begins(place_, task_, record, spec.input_usd_per_million > 0);
  if (!kept) {
    options().purse.settle(wish, {});
    engine_.break_with(std::move(kept.error()));
    return Failure{"cancelled", "the run was ended"};
  }
  const Listener* listener = options().listener;
  if (listener != nullptr && listener->token)
    call.on_token = [&](std::string_view text) { listener->token(place_, path(), text); };
  auto reply = model.reply(context_, call);
  record.used = {.calls = 1};
  if (reply) {
    record.state = CallState::done;
    record.result = to_value(*reply);
    record.used.tokens = reply->input_tokens + reply->output_tokens;
    record.used.usd = price_of(spec, reply->input_tokens, reply->output_tokens);
  } else {
    record.state = CallState::failed;
    record.failure = reply.failure();
  }
  options().purse.settle(wish, record.used);
  if (known != nullptr)
    *known = record;
  else
    task_.calls.push_back(record);
  // The only call of its task is written with the task's end.
  const bool ends_task = std::holds_alternative<LlmBody>(node_.body) && reply.ok();
  if (!ends_task)
    if (auto written = options().recorder.call_ended(place_, task_, record); !written)
      engine_.break_with(std::move(written.error()));
  if (!reply) return std::move(reply.failure());
  return record.result;
}

Outcome<ModelCall> TaskRun::model_call(const LlmBody& body, const Inputs& inputs) {
  ModelCall call{.schema = body.schema,
                 .max_tokens = body.max_tokens,
                 .temperature = body.temperature,
                 .seed = body.seed};
  if (body.system)
    call.messages.push_back({.role = "system", .content = SLIPWAY_GET(body.system->write(inputs))});
  if (body.prompt)
    call.messages.push_back({.role = "user", .content = SLIPWAY_GET(body.prompt->write(inputs))});
  if (!body.messages) return call;
  const Value list = SLIPWAY_GET(body.messages.evaluate(inputs));
  if (!list.is_list()) return Failure{"type", "messages: a list of messages is expected"};
  for (const Value& item : list.items()) {
    std::string role = in_words(item.at("role"));
    if (role == "human") role = "user";
    if (role == "ai") role = "assistant";
    call.messages.push_back({.role = std::move(role), .content = in_words(item.at("content"))});
  }
  return call;
}

/// Of a schema the JSON that was written, checked; else the text.
TaskRun::Ran TaskRun::parse_reply(const LlmBody& body, const std::string& text) {
  if (!body.schema) return Value(text);
  std::string_view json = text;
  // Models like to put a fence around what they write.
  if (const std::size_t open = json.find("```"); open != std::string_view::npos) {
    const std::size_t begin = json.find('\n', open), close = json.rfind("```");
    if (begin != std::string_view::npos && close > begin) json = json.substr(begin, close - begin);
  }
  auto value = parse_json(json);
  if (!value)
    return Failure{"schema", fmt::format("the reply is no JSON: {}", value.error().message())};
  if (auto checked = body.schema->check(*value); !checked) return std::move(checked.failure());
  return *std::move(value);
}

TaskRun::Ran TaskRun::run_llm(const LlmBody& body, const Inputs& inputs) {
  const ModelSpec& spec = scope_.agent->models[body.model];
  auto model = options().services.model(spec);
  if (!model) return std::move(model.failure());
  auto call = model_call(body, inputs);
  if (!call) return std::move(call.failure());
  Ran ran = call_model(spec, **model, *std::move(call), 0);
  if (!ran.ok()) return ran;
  Ran parsed = parse_reply(body, ran.value().at("text").text());
  if (parsed.ok()) return parsed;
  // The call is paid for and useless: it is written, and another attempt makes a new one.
  if (!task_.calls.empty()) {
    CallRecord spoiled = task_.calls.back();
    spoiled.state = CallState::failed;
    spoiled.failure = parsed.stop().failure;
    task_.calls.pop_back();
    if (auto kept = options().recorder.call_ended(place_, task_, spoiled); !kept)
      engine_.break_with(std::move(kept.error()));
  }
  return parsed;
}

TaskRun::Ran TaskRun::run_tool(const ToolBody& body, const Inputs& inputs) {
  Value args = Value::map();
  for (const auto& [name, form] : body.args) {
    auto value = form.evaluate(inputs);
    if (!value) return std::move(value.failure());
    args.put(name, *std::move(value));
  }
  return call_tool(scope_.agent->tools[body.tool], std::move(args), 0, inputs);
}

TaskRun::Ran TaskRun::call_tool(const ToolSpec& spec, Value args, std::uint32_t number,
                                const Inputs&) {
  if (CallRecord* known = find_call(number)) {
    if (known->state == CallState::done) return known->result;
    if (known->state != CallState::failed) return resolve_tool_call(spec, *known);
  }
  if (spec.schema)
    if (auto checked = spec.schema->check(args); !checked) return std::move(checked.failure());
  for (const Approve* approve :
       {node_.approve ? &*node_.approve : nullptr, spec.approve ? &*spec.approve : nullptr}) {
    if (approve == nullptr) continue;
    const bool is_of_node = node_.approve && approve == &*node_.approve;
    const std::string token = fmt::format("approval:{}:{}", is_of_node ? "node" : "tool", number);
    if (auto stop = approval(*approve, &spec, args, token)) return std::move(*stop);
  }
  return make_tool_call(spec, std::move(args), number);
}

TaskRun::Ran TaskRun::make_tool_call(const ToolSpec& spec, Value args, std::uint32_t number) {
  if (auto replayed = replay_call(number, short_hash(dump_canonical(args)), "tool " + spec.name))
    return *std::move(replayed);
  auto tool = options().services.tool(spec);
  if (!tool) return std::move(tool.failure());
  const bool is_free = spec.effect == Effect::pure && spec.kind == "builtin";
  const Usage wish{.calls = is_free ? 0 : 1};
  Ran granted = reserve(wish, number);
  if (!granted.ok()) return granted;
  CallRecord record{.number = number,
                    .tool = spec.name,
                    .key = effect_key(number),
                    .args_hash = short_hash(dump_canonical(args)),
                    .effect = spec.effect,
                    .attempt = task_.attempts,
                    .args = args,
                    .reserved = wish};
  CallRecord* known = find_call(number);
  if (known == nullptr) known = &task_.calls.emplace_back(record);
  *known = record;
  const bool leaves = spec.effect != Effect::pure;
  if (leaves)
    if (auto kept = options().recorder.call_begins(place_, task_, record, true); !kept) {
      engine_.break_with(std::move(kept.error()));
      return Failure{"cancelled", "the run was ended"};
    }
  const Context context = spec.timeout ? context_.with_timeout(*spec.timeout) : context_;
  ToolResult result = (*tool)->call(context, {.args = args, .effect_key = record.key});
  known->used = wish;
  if (result.value) {
    known->state = CallState::done;
    known->result = *result.value;
  } else {
    known->failure = result.failure;
    const bool is_lost = result.is_unknown && spec.effect == Effect::at_most_once;
    known->state = is_lost ? CallState::unknown : CallState::failed;
  }
  options().purse.settle(wish, known->used);
  const bool ends_task =
      std::holds_alternative<ToolBody>(node_.body) && known->state == CallState::done;
  if (!ends_task || leaves)
    if (auto kept = options().recorder.call_ended(place_, task_, *known); !kept)
      engine_.break_with(std::move(kept.error()));
  if (known->state == CallState::done) return known->result;
  if (known->state == CallState::unknown) return resolve_tool_call(spec, *known);
  return result.failure;
}

/// A call that was begun and of which nobody knows how it ended.
TaskRun::Ran TaskRun::resolve_tool_call(const ToolSpec& spec, CallRecord& record) {
  if (spec.effect != Effect::at_most_once)
    return make_tool_call(spec, Value(record.args), record.number);
  if (!spec.probe.empty()) {
    for (const ToolSpec& probe : scope_.agent->tools) {
      if (probe.name != spec.probe) continue;
      auto tool = options().services.tool(probe);
      if (!tool) break;
      const ToolResult found = (*tool)->call(
          context_, {.args = Value::map({{"key", record.key}}), .effect_key = record.key});
      if (!found.value || !found.value->at("done").is_boolean()) break;
      if (!found.value->at("done").boolean())
        return make_tool_call(spec, Value(record.args), record.number);
      record.state = CallState::done;
      record.result = found.value->at("result");
      if (auto kept = options().recorder.call_ended(place_, task_, record); !kept)
        engine_.break_with(std::move(kept.error()));
      return record.result;
    }
  }
  return unknown_effect(spec, record);
}

TaskRun::Ran TaskRun::unknown_effect(const ToolSpec& spec, CallRecord& record) {
  int round = 0;
  const auto token = [&] {
    return fmt::format("effect:{}:{}:{}", record.number, record.attempt, round);
  };
  const Value* given = answer(token());
  if (given == nullptr) {
    if (record.state != CallState::unknown) {
      record.state = CallState::unknown;
      if (auto kept = options().recorder.call_ended(place_, task_, record); !kept)
        engine_.break_with(std::move(kept.error()));
    }
    return ask("effect", token(),
               Value::map({{"key", record.key}, {"tool", spec.name}, {"args", record.args}}), 0);
  }
  if (given->at("retry") == Value(true)) {
    // A new question, should this one be lost too.
    const Value args = record.args;
    const Value used = *given;
    task_.answers.erase(token());
    return make_tool_call(spec, args, record.number);
  }
  if (const Value* why = given->find("fail")) {
    record.state = CallState::failed;
    record.failure = {"failed", in_words(*why)};
  } else {
    record.state = CallState::done;
    record.result = given->at("done");
  }
  if (auto kept = options().recorder.call_ended(place_, task_, record); !kept)
    engine_.break_with(std::move(kept.error()));
  if (record.state == CallState::failed) return record.failure;
  return record.result;
}

}  // namespace slipway::agents::detail
