// Calls of models, and what all calls share: reserved, written down, made, settled; never twice.
#include <future>

#include "agents/detail/task_run.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

Value to_value(const ModelReply& reply) {
  Value value = Value::map(
      {{"text", reply.text},
       {"usage", Value::map({{"input", reply.input_tokens}, {"output", reply.output_tokens}})}});
  if (reply.is_cut) value.put("cut", true);
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
  return call_hash(text);
}

}  // namespace

std::string call_hash(const std::string& text) {
  constexpr std::size_t prefix = 7, digits = 32;  // "sha256:"
  return sha256(text).substr(prefix, digits);
}

CallRecord* TaskRun::find_call(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  for (CallRecord& call : task_.calls)
    if (call.number == number) return &call;
  return nullptr;
}

CallRecord& TaskRun::put_call(CallRecord record) {
  const std::lock_guard lock(mutex_);
  for (CallRecord& call : task_.calls)
    if (call.number == record.number) return call = std::move(record);
  return task_.calls.emplace_back(std::move(record));
}

bool TaskRun::record_end(const CallRecord& call) {
  auto kept = options().recorder.call_ended(place_, task_, call);
  if (!kept) engine_.break_with(std::move(kept.error()));
  return kept.ok();
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
  const bool is_whole = call != nullptr && (!call->is_model || call->state == CallState::failed ||
                                            call->result.at("text").is_text());
  if (!is_whole || call->args_hash != args_hash) {
    engine_.note_missing(path(), what);
    return Stop{.state = TaskState::stopped};
  }
  put_call(*call);
  for (Purse* purse : purses()) purse->restore(call->used, 0);
  if (call->state == CallState::failed) return call->failure;
  return call->result;
}

std::string TaskRun::effect_key(std::uint32_t number) const {
  return "e_" + call_hash(fmt::format("{}\n{}\n{}{}\n{}\n{}\n{}\n{}", options().run,
                                      options().branch, scope_.address, path(), place_.address(),
                                      task_.index, task_.visit, number));
}

std::vector<Purse*> TaskRun::purses() {
  std::vector<Purse*> made;
  const Node& node = scope_.agent->nodes[task_.node];
  if (node.budget) made.push_back(&options().purse.of_node(path(), *node.budget));
  made.push_back(&options().purse);
  return made;
}

void TaskRun::settle(const Usage& reserved, const Usage& used) {
  for (Purse* purse : purses()) purse->settle(reserved, used);
}

/// An empty value: granted. What was asked for and answered has raised the limit already.
TaskRun::Ran TaskRun::reserve(const Usage& wish, std::uint32_t number) {
  if (engine_.is_finishing()) return Stop{.state = TaskState::cut};
  std::vector<Purse*> granted;
  for (Purse* purse : purses()) {
    const Purse::Answer answer = purse->reserve(context_, wish);
    if (answer == Purse::Answer::granted) {
      granted.push_back(purse);
      continue;
    }
    for (Purse* other : granted) other->settle(wish, {});
    if (answer == Purse::Answer::cancelled) return failure_of(context_.check().error());
    return exceeded(*purse, wish, number);
  }
  return Value();
}

TaskRun::Ran TaskRun::exceeded(Purse& purse, const Usage& wish, std::uint32_t number) {
  const Budget limits = purse.limits();
  if (limits.on_exceed == OnExceed::finish) {
    engine_.is_finishing_ = true;
    return Stop{.state = TaskState::cut};
  }
  if (purse.is_late()) return Failure{"budget", "the time of the budget (wall) is over"};
  const Value left = purse.left();
  if (limits.on_exceed == OnExceed::fail)
    return Failure{"budget", fmt::format("the budget has no room for this call: it may take {} "
                                         "tokens and {} USD, left are {}",
                                         wish.tokens, real_text(wish.usd), dump(left))};
  const Value needed =
      Value::map({{"tokens", wish.tokens}, {"usd", wish.usd}, {"calls", wish.calls}});
  const std::string_view whose = &purse == &options().purse ? "run" : "node";
  int round = 0;
  while (answer(fmt::format("budget:{}:{}:{}", whose, number, round)) != nullptr) ++round;
  return ask("budget", fmt::format("budget:{}:{}:{}", whose, number, round),
             Value::map({{"needed", needed}, {"left", left}}), 0);
}

/// Of the budgets that the whole program shares; no hold: none is concerned.
Outcome<budgets::HoldPtr> TaskRun::hold_shared(budgets::Wish wish, std::string model) {
  budgets::Ledger* const ledger = options().services.budgets;
  if (ledger == nullptr || !ledger->has_budgets()) return budgets::HoldPtr();
  budgets::Payer payer{.session = options().thread,
                       .key = context_.caller(),
                       .trace = options().run,
                       .run = options().run};
  if (const RunPlacePtr& run = options().place) {
    const trace::Origin& origin = run->origin;
    if (!origin.project.empty()) payer.project = origin.project;
    if (!origin.session_id.empty()) payer.session = origin.session_id;
    if (!origin.trace_id.empty()) payer.trace = origin.trace_id;
    payer.user = origin.user_id;
  }
  payer.model = std::move(model);
  if (!ledger->concerns(payer)) return budgets::HoldPtr();
  wish.payer = std::move(payer);
  wish.may_clamp = false;
  wish.may_degrade = false;
  std::promise<budgets::Decision> decided;
  auto decision = decided.get_future();
  ledger->reserve(std::move(wish), [&](budgets::Decision d) { decided.set_value(std::move(d)); });
  budgets::Decision made = decision.get();
  if (made.error) return storage_failure(*made.error);
  if (!made.hold)
    return Failure{"budget", made.refusal ? made.refusal->message : "a budget has no room"};
  return std::move(made.hold);
}

Outcome<budgets::HoldPtr> TaskRun::hold_of_model(const ModelSpec& spec, const ModelWish& wish,
                                                 const std::string& id) {
  const ModelPrice& price = wish.price;
  const auto input = trace::picodollars(price.of(wish.prompt, 0));
  const auto output =
      trace::parse_price(fmt::format("{:.18f}", price.output_usd_per_million / 1e6));
  if (!input || !output) return failure_of(input ? output.error() : input.error());
  return hold_shared({.call_id = id,
                      .is_priced = price.is_known,
                      .input_usd = *input,
                      .output_price = *output,
                      .input_tokens = wish.prompt,
                      .output_tokens = wish.most.tokens - wish.prompt},
                     spec.provider == "catalog" ? spec.model : spec.name);
}

/// No hold: it has no price. What models within it cost is for who asks them.
Outcome<budgets::HoldPtr> TaskRun::hold_of_tool(const ToolSpec& spec, const std::string& id) {
  if (spec.usd_per_call == 0) return budgets::HoldPtr();
  const auto price = trace::picodollars(spec.usd_per_call);
  if (!price) return failure_of(price.error());
  return hold_shared({.call_id = id, .input_usd = *price}, "");
}

void TaskRun::settle_shared(const budgets::HoldPtr& hold, const Usage& used) {
  budgets::Amount amount{.tokens = used.tokens};
  if (const auto usd = trace::picodollars(used.usd)) amount.usd = *usd;
  options().services.budgets->settle(hold, amount);
}

/// The call itself; `record` gets what it came to.
void TaskRun::ask_model(const ModelPrice& price, Model& model, const ModelCall& call,
                        CallRecord& record) {
  record.begun_ms = now_ms();
  auto reply = model.reply(context_, call);
  record.took_ms = now_ms() - record.begun_ms;
  record.used = {.calls = 1};
  if (!reply) {
    record.state = CallState::failed;
    record.failure = std::move(reply.failure());
    return;
  }
  record.used.tokens = reply->input_tokens + reply->output_tokens;
  record.used.usd = price.of(reply->input_tokens, reply->output_tokens);
  if (reply->is_ended) {
    record.state = CallState::failed;
    const auto check = context_.check();
    record.failure =
        check ? Failure{"cancelled", "the model was ended"} : failure_of(check.error());
    return;
  }
  record.state = CallState::done;
  record.result = to_value(*reply);
  record.result.add_taint(call.taint);
}

TaskRun::Ran TaskRun::call_model(const ModelSpec& spec, Model& model, ModelCall call,
                                 std::uint32_t number) {
  // A changed graph may have called a tool in its place.
  if (const CallRecord* known = find_call(number); known != nullptr && known->is_model &&
                                                   known->state == CallState::done &&
                                                   known->result.at("text").is_text())
    return known->result;
  if (call.node.empty()) call.node = path();
  call.index = script_index();
  call.visit = static_cast<int>(task_.visit);
  call.attempt = task_.attempts;
  if (auto replayed = replay_call(number, prompt_hash(call), "model " + spec.name))
    return *std::move(replayed);
  auto prompt = model.count_tokens(call);
  if (!prompt) return std::move(prompt.failure());
  const ModelPrice price = model.price().value_or(
      ModelPrice{spec.input_usd_per_million, spec.output_usd_per_million, spec.is_priced});
  const Usage wish{
      .tokens = *prompt + call.max_tokens, .calls = 1, .usd = price.of(*prompt, call.max_tokens)};
  if (counts_usd() && !price.is_known)
    return Failure{"budget", fmt::format("nobody knows what model '{}' costs, so a budget in usd "
                                         "cannot be kept; give it its prices",
                                         spec.name)};
  Ran granted = reserve(wish, number);
  if (!granted.ok()) return granted;
  budgets::HoldPtr hold;
  if (auto held = hold_of_model(spec, {price, *prompt, wish}, effect_key(number)); !held) {
    settle(wish, {});
    return std::move(held.failure());
  } else {
    hold = *std::move(held);
  }
  CallRecord record{.number = number,
                    .is_model = true,
                    .tool = spec.name,
                    .key = effect_key(number),
                    .args_hash = prompt_hash(call),
                    .attempt = task_.attempts,
                    .reserved = wish};
  const Listener* listener = options().listener;
  if (listener != nullptr && listener->model_called) listener->model_called(record.key, call);
  auto kept = options().recorder.call_begins(place_, task_, record, wish.usd > 0);
  if (!kept) {
    settle(wish, {});
    if (hold) options().services.budgets->release(hold);
    engine_.break_with(std::move(kept.error()));
    return Failure{"cancelled", "the run was ended"};
  }
  // A summary is nothing that the node says.
  if (listener != nullptr && listener->token && number < summary_calls)
    call.on_token = [&](std::string_view text) {
      listener->token(place_, task_, record.key, text);
    };
  ask_model(price, model, call, record);
  settle(wish, record.used);
  if (hold) settle_shared(hold, record.used);
  put_call(record);
  // The call that ends its task is written with the task's end.
  const bool is_done = record.state == CallState::done;
  const bool ends_task =
      std::holds_alternative<LlmBody>(node_.body) && is_done && number < summary_calls;
  if (!ends_task) record_end(record);
  if (!is_done) return record.failure;
  return record.result;
}

}  // namespace slipway::agents::detail
