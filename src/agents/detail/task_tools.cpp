// Calls of tools: approved, written down, made; one whose end nobody knows is looked into.
#include "agents/detail/task_run.hpp"
#include "agents/detail/thread.hpp"
#include "agents/telling_tool.hpp"

namespace slipway::agents::detail {

namespace {

/// Each time that a call is lost is a question of its own.
std::string effect_token(const CallRecord& call) {
  return fmt::format("effect:{}:{}", call.number, call.tries);
}

/// What a tool tells while it is called.
Value told_of(const ToolSpec& spec, const Value& told) {
  Value value = Value::map({{"tool", spec.name}});
  for (const auto& [key, said] : told.entries().items) value.put(key, said);
  return value;
}

}  // namespace

TaskRun::Ran TaskRun::run_tool(const ToolBody& body, const Inputs& inputs) {
  Value args = Value::map();
  for (const auto& [name, form] : body.args) {
    auto value = form.evaluate(inputs);
    if (!value) return std::move(value.failure());
    if (!name.empty()) {
      args.put(name, *std::move(value));
      continue;
    }
    if (!value->is_map())
      return Failure{"type", fmt::format("args: a map is needed, got {}", kind_name(*value))};
    args = *std::move(value);
  }
  return call_tool(scope_.agent->tools[body.tool], std::move(args), 0, share_);
}

TaskRun::Ran TaskRun::call_tool(const ToolSpec& spec, Value args, std::uint32_t number,
                                std::size_t share) {
  // A changed graph may call another tool in its place, which has its own approvals.
  if (CallRecord* known = find_call(number); known != nullptr && known->tool == spec.name) {
    if (known->state == CallState::done) return known->result;
    if (known->state != CallState::failed) return resolve_tool_call(spec, *known);
    // Somebody said that it counts as failed, not that it was not done.
    const Value* said = answer(effect_token(*known));
    if (is_retry_ && said != nullptr && said->find("fail") != nullptr) return known->failure;
  }
  const auto fits = [&] { return spec.schema ? spec.schema->check(args) : Outcome<bool>(true); };
  if (auto checked = fits(); !checked) return std::move(checked.failure());
  if (auto stop = approvals(spec, args, number)) return std::move(*stop);
  // Somebody may have edited them.
  if (auto checked = fits(); !checked) return std::move(checked.failure());
  if (spec.agent) return run_tool_agent(spec, args, number, share);
  return make_tool_call(spec, args, number);
}

/// A tool that is an agent runs as a sub-agent of the task, with its arguments as input.
TaskRun::Ran TaskRun::run_tool_agent(const ToolSpec& spec, const Value& args, std::uint32_t number,
                                     std::size_t share) {
  Scope* there = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = task_.tool_scopes.find(number); found != task_.tool_scopes.end())
      there = found->second.get();
  }
  if (there == nullptr) {
    const auto tool = static_cast<std::size_t>(&spec - scope_.agent->tools.data());
    auto made = make_tool_scope(scope_, task_, fmt::format("{}{{{}}}", place_.address(), number),
                                tool, number);
    for (const auto& [name, value] : args.entries().items) {
      const auto key = spec.agent->key(name);
      if (!key) return Failure{"tool", fmt::format("'{}' is no input of '{}'", name, spec.name)};
      Write given{static_cast<std::uint32_t>(*key), value};
      auto prepared = prepare_write(spec.agent->keys[*key], given.value, made->address);
      if (!prepared) return std::move(prepared.failure());
      auto applied = apply_write(*spec.agent, made->state, given);
      if (!applied) return std::move(applied.failure());
    }
    if (auto begun = engine_.begin(*made); !begun) return std::move(begun.failure());
    made->tool = spec.name;
    there = made.get();
    {
      const std::lock_guard lock(mutex_);
      task_.tool_scopes[number] = std::move(made);
    }
    const std::vector<std::unique_ptr<Task>> none;
    if (auto kept = options().recorder.merged(*there, none); !kept)
      engine_.break_with(std::move(kept.error()));
  }
  Ran ran = run_child(*there, share);
  if (!ran.ok()) return ran;
  record_end(put_call({.number = number,
                       .tool = spec.name,
                       .key = effect_key(number),
                       .args_hash = call_hash(dump_canonical(args)),
                       .state = CallState::done,
                       .attempt = task_.attempts,
                       .args = args,
                       .result = ran.value()}));
  return ran;
}

TaskRun::Ran TaskRun::make_tool_call(const ToolSpec& spec, const Value& args,
                                     std::uint32_t number) {
  if (auto replayed = replay_call(number, call_hash(dump_canonical(args)), "tool " + spec.name))
    return *std::move(replayed);
  auto tool = options().services.tool(spec);
  if (!tool) return std::move(tool.failure());
  return call_out(spec, **tool, args, number);
}

bool TaskRun::counts_usd() {
  for (const Purse* purse : purses())
    if (purse->limits().usd) return true;
  return false;
}

/// `most`: of the models that it asks, if it asks any. Nobody may be asked before that is reserved.
Outcome<Usage> TaskRun::most_of_tool(const ToolSpec& spec, Tool& tool, const ToolCall& call,
                                     std::optional<Spending>& most) {
  const bool is_free = spec.effect == Effect::pure && spec.kind == "builtin";
  Usage wish{.calls = is_free ? 0 : 1};
  wish.usd = spec.usd_per_call;
  most = SLIPWAY_GET(tool.most(context_, call));
  if (!most) return wish;
  if (!most->is_priced && counts_usd())
    return Failure{"budget", fmt::format("nobody knows what the models cost that '{}' asks, so a "
                                         "budget in usd cannot be kept; give them their prices",
                                         spec.name)};
  wish.tokens = most->tokens();
  wish.usd += most->usd;
  return wish;
}

/// What it came to, into its record.
double TaskRun::note_result(const ToolSpec& spec, const ToolResult& result, CallRecord& record,
                            const std::optional<Spending>& most) const {
  double price = spec.usd_per_call;
  record.used = {.calls = record.reserved.calls};
  record.spent = result.spent;
  if (result.value) {
    record.state = CallState::done;
    record.result = *result.value;
    record.result.add_taint(record.args.taint() | source_of(spec));
  } else {
    record.failure = result.failure;
    const bool is_lost = result.is_unknown && spec.effect == Effect::at_most_once;
    record.state = is_lost ? CallState::unknown : CallState::failed;
    // It broke off, and nobody knows how much of it was consumed by then.
    const bool broke_off = result.is_unknown || !context_.check() ||
                           result.failure.kind == "timeout" || result.failure.kind == "cancelled";
    if (!broke_off) price = 0;
    if (broke_off && (price > 0 || (most && !record.spent))) {
      if (!record.spent) record.spent = most.value_or(Spending());
      record.spent->usage.estimated = true;
    }
  }
  if (price > 0) {
    if (!record.spent) record.spent.emplace();
    record.spent->usd += price;
  }
  if (!record.spent) return price;
  record.used.tokens = record.spent->tokens();
  record.used.usd = record.spent->usd;
  return price;
}

TaskRun::Ran TaskRun::call_out(const ToolSpec& spec, Tool& tool, const Value& args,
                               std::uint32_t number) {
  CallRecord record{.number = number,
                    .tool = spec.name,
                    .key = effect_key(number),
                    .args_hash = call_hash(dump_canonical(args)),
                    .effect = spec.effect,
                    .attempt = task_.attempts,
                    .args = args};
  if (const CallRecord* before = find_call(number)) record.tries = before->tries + 1;
  const RunPlacePtr& run = options().place;
  const ToolCall call{.args = args,
                      .effect_key = record.key,
                      .thread = options().thread,
                      .run = run && !run->run.empty() ? run->run : options().run,
                      .place = run,
                      .attempt = task_.attempts};
  std::optional<Spending> most;
  const auto wish = most_of_tool(spec, tool, call, most);
  if (!wish) {
    record.state = CallState::failed;
    record.failure = wish.failure();
    record_end(put_call(std::move(record)));
    return wish.failure();
  }
  Ran granted = reserve(*wish, number);
  if (!granted.ok()) return granted;
  const auto hold = hold_of_tool(spec, record.key);
  if (!hold) {
    settle(*wish, {});
    return hold.failure();
  }
  record.reserved = *wish;
  CallRecord* const known = &put_call(std::move(record));
  const bool leaves = spec.effect != Effect::pure;
  // What was reserved counts as spent, should the program end meanwhile.
  const bool is_begun = leaves || wish->tokens > 0 || wish->usd > 0;
  if (is_begun)
    if (auto kept = options().recorder.call_begins(place_, task_, *known, leaves || wish->usd > 0);
        !kept) {
      settle(*wish, {});
      if (*hold) options().services.budgets->release(*hold);
      engine_.break_with(std::move(kept.error()));
      return Failure{"cancelled", "the run was ended"};
    }
  const Context context = spec.timeout ? context_.with_timeout(*spec.timeout) : context_;
  known->begun_ms = now_ms();
  const Listener* listener = options().listener;
  auto* telling = dynamic_cast<TellingTool*>(&tool);
  const ToolResult result =
      telling != nullptr && listener != nullptr && listener->emitted
          ? telling->call_telling(
                context, call,
                [&](const Value& told) { listener->emitted(place_, task_, told_of(spec, told)); })
          : tool.call(context, call);
  known->took_ms = now_ms() - known->begun_ms;
  const double price = note_result(spec, result, *known, most);
  settle(*wish, known->used);
  if (*hold) settle_shared(*hold, {.usd = price});
  const bool is_last =
      std::holds_alternative<ToolBody>(node_.body) || std::holds_alternative<RagBody>(node_.body);
  const bool ends_task = is_last && known->state == CallState::done;
  if (!ends_task || is_begun) record_end(*known);
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
      record.result.add_taint(record.args.taint() | source_of(spec) | source_of(probe));
      record_end(record);
      return record.result;
    }
  }
  return unknown_effect(spec, record);
}

TaskRun::Ran TaskRun::unknown_effect(const ToolSpec& spec, CallRecord& record) {
  const std::string token = effect_token(record);
  const Value* given = answer(token);
  if (given == nullptr) {
    if (record.state != CallState::unknown) {
      record.state = CallState::unknown;
      record_end(record);
    }
    return ask("effect", token,
               Value::map({{"key", record.key}, {"tool", spec.name}, {"args", record.args}}), 0);
  }
  if (given->at("retry") == Value(true))
    return make_tool_call(spec, Value(record.args), record.number);
  if (const Value* why = given->find("fail")) {
    record.state = CallState::failed;
    record.failure = {"failed", in_words(*why)};
  } else {
    record.state = CallState::done;
    record.result = given->at("done");
  }
  record_end(record);
  if (record.state == CallState::failed) return record.failure;
  return record.result;
}

}  // namespace slipway::agents::detail
