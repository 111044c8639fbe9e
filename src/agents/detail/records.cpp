#include "agents/detail/records.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::string_view task_states[] = {"ready", "done", "failed", "stopped", "waiting", "cut"};
constexpr std::string_view call_states[] = {"intent", "done", "failed", "unknown"};
// What every superstep's record says is shared.
const Value step_word("step"), outermost("");
constexpr std::string_view effects[] = {"pure", "idempotent", "at_most_once"};

std::int64_t whole(const Value& value) { return value.is_integer() ? value.integer() : 0; }

template <std::size_t N>
std::size_t word(const std::string_view (&words)[N], const Value& value) {
  for (std::size_t i = 0; i < N; ++i)
    if (value.is_text() && value.text() == words[i]) return i;
  return 0;
}

Value place_of(const char* kind, const Place& place) {
  Value record = Value::map(
      {{"k", kind}, {"at", place.scope.address}, {"step", place.step}, {"ord", place.ordinal}});
  if (place.item >= 0) record.put("item", place.item);
  return record;
}

Value encode_questions(const std::vector<OpenQuestion>& questions) {
  std::vector<Value> list;
  for (const OpenQuestion& q : questions)
    list.push_back(Value::list({q.id, q.node, q.path, q.kind, q.token, q.value, q.expires_ms}));
  return Value::list(std::move(list));
}

Value encode_calls(const Task& task) {
  std::vector<Value> list;
  for (const CallRecord& call : task.calls) list.push_back(encode_call(call));
  return Value::list(std::move(list));
}

}  // namespace

Value encode_writes(const Agent& agent, const std::vector<Write>& writes) {
  std::vector<std::pair<std::string, Value>> entries;
  entries.reserve(writes.size());
  for (const Write& write : writes) entries.emplace_back(agent.keys[write.key].name, write.value);
  return Value::map(std::move(entries));
}

std::vector<Write> decode_writes(const Agent& agent, const Value& value, const Value& taints) {
  std::vector<Write> writes;
  if (!value.is_map()) return writes;
  for (const auto& [name, item] : value.entries().items) {
    const auto key = agent.key(name);
    if (!key) continue;
    Write write{static_cast<std::uint32_t>(*key), item};
    write.value.set_taint(read_taint(taints.at(name)));
    // A changed graph may have another key of that name.
    if (prepare_write(agent.keys[*key], write.value, name)) writes.push_back(std::move(write));
  }
  return writes;
}

void put_taints(const Value& values, Value& record, std::string_view name) {
  if (values.taint() == 0 || !values.is_map()) return;
  Value taints = Value::map();
  for (const auto& [key, item] : values.entries().items)
    if (item.taint() != 0) taints.put(key, taint_names(item.taint()));
  record.put(name, std::move(taints));
}

Value with_taints(const Value& values, const Value& taints) {
  if (!values.is_map() || !taints.is_map()) return values;
  Value made = values;
  for (const auto& [key, list] : taints.entries().items) {
    const Value* item = values.find(key);
    if (item == nullptr) continue;
    Value tainted = *item;
    tainted.set_taint(read_taint(list));
    made.put(key, std::move(tainted));
  }
  return made;
}

Value encode_ready(const Agent& agent, const std::vector<Ready>& list) {
  std::vector<Value> made;
  made.reserve(list.size());
  for (const Ready& ready : list) {
    const Value& name = agent.nodes[ready.node].label;
    if (ready.index < 0) {
      made.push_back(name);
      continue;
    }
    made.push_back(Value::list(
        {name, ready.index, agent.variables[ready.variable - local_count], ready.item}));
    if (ready.item.taint() != 0) made.back().push(taint_names(ready.item.taint()));
  }
  return Value::list(std::move(made));
}

std::vector<Ready> decode_ready(const Agent& agent, const Value& value) {
  std::vector<Ready> list;
  if (!value.is_list()) return list;
  for (const Value& item : value.items()) {
    const bool is_mapped = item.is_list() && item.items().size() >= 4;
    const Value& name = is_mapped ? item.items()[0] : item;
    const auto node = name.is_text() ? agent.node(name.text()) : std::nullopt;
    if (!node) continue;
    Ready ready{.node = *node};
    if (is_mapped) {
      ready.index = static_cast<std::int32_t>(whole(item.items()[1]));
      const std::string variable = in_words(item.items()[2]);
      for (std::size_t i = 0; i < agent.variables.size(); ++i)
        if (agent.variables[i] == variable)
          ready.variable = static_cast<std::uint32_t>(local_count + i);
      if (ready.variable == 0) continue;
      ready.item = item.items()[3];
      ready.item.set_taint(item.items().size() > 4 ? read_taint(item.items()[4]) : 0);
    }
    list.push_back(std::move(ready));
  }
  return list;
}

void encode_position(const Scope& scope, Value& record) {
  record.put("next", encode_ready(*scope.agent, scope.next));
  if (!scope.deferred.empty()) record.put("def", encode_ready(*scope.agent, scope.deferred));
  std::vector<Value> seen;
  for (std::size_t i = 0; i < scope.seen.size(); ++i)
    for (std::size_t j = 0; j < scope.seen[i].size(); ++j)
      if (scope.seen[i][j])
        seen.push_back(
            Value::list({i, scope.agent->nodes[scope.agent->joins[i].sources[j]].label}));
  if (!seen.empty()) record.put("seen", Value::list(std::move(seen)));
}

void decode_position(const Value& record, Scope& scope) {
  scope.next = decode_ready(*scope.agent, record.at("next"));
  scope.deferred = decode_ready(*scope.agent, record.at("def"));
  for (auto& join : scope.seen) join.assign(join.size(), false);
  if (!record.at("seen").is_list()) return;
  for (const Value& pair : record.at("seen").items()) {
    if (!pair.is_list() || pair.items().size() != 2) continue;
    const auto at = static_cast<std::size_t>(whole(pair.items()[0]));
    if (at >= scope.seen.size() || !pair.items()[1].is_text()) continue;
    const auto node = scope.agent->node(pair.items()[1].text());
    const auto& sources = scope.agent->joins[at].sources;
    for (std::size_t j = 0; node && j < sources.size(); ++j)
      if (sources[j] == *node) scope.seen[at][j] = true;
  }
}

Value encode_usage(const Usage& usage) {
  return Value::list({usage.tokens, usage.calls, usage.usd});
}

Usage decode_usage(const Value& value) {
  if (!value.is_list() || value.items().size() != 3) return {};
  return {.tokens = whole(value.items()[0]),
          .calls = whole(value.items()[1]),
          .usd = value.items()[2].is_number() ? value.items()[2].number() : 0};
}

Value encode_spending(const Spending& spending) {
  Value value = Value::map({{"usd", spending.usd}});
  const auto put = [&](const char* name, std::int64_t count) {
    if (count != 0) value.put(name, count);
  };
  const models::Usage& usage = spending.usage;
  put("input_tokens", usage.input_tokens);
  put("output_tokens", usage.output_tokens);
  put("cached_input_tokens", usage.cached_input_tokens);
  put("embedding_tokens", usage.embedding_tokens);
  put("rerank_tokens", usage.rerank_tokens);
  put("search_units", usage.search_units);
  value.put("estimated", usage.estimated);
  if (!spending.is_priced) value.put("priced", false);
  return value;
}

std::optional<Spending> decode_spending(const Value& value) {
  if (!value.is_map()) return std::nullopt;
  return Spending{.usage = {.input_tokens = whole(value.at("input_tokens")),
                            .output_tokens = whole(value.at("output_tokens")),
                            .cached_input_tokens = whole(value.at("cached_input_tokens")),
                            .embedding_tokens = whole(value.at("embedding_tokens")),
                            .rerank_tokens = whole(value.at("rerank_tokens")),
                            .search_units = whole(value.at("search_units")),
                            .estimated = value.at("estimated") == Value(true)},
                  .usd = value.at("usd").is_number() ? value.at("usd").number() : 0,
                  .is_priced = value.at("priced") != Value(false)};
}

Value encode_call(const CallRecord& call) {
  Value record = Value::map({{"n", call.number},
                             {"tool", call.tool},
                             {"key", call.key},
                             {"hash", call.args_hash},
                             {"state", call_states[static_cast<std::size_t>(call.state)]},
                             {"att", call.attempt},
                             {"try", call.tries},
                             {"res", encode_usage(call.reserved)},
                             {"used", encode_usage(call.used)}});
  if (call.spent) record.put("spent", encode_spending(*call.spent));
  if (call.begun_ms > 0) record.put("t", Value::list({call.begun_ms, call.took_ms}));
  if (call.is_model)
    record.put("model", true);
  else
    record.put("effect", effects[static_cast<std::size_t>(call.effect)]);
  if (!call.args.is_null()) record.put("args", call.args);
  if (call.args.taint() != 0) record.put("ta", taint_names(call.args.taint()));
  if (call.state == CallState::done) record.put("result", call.result);
  if (call.result.taint() != 0) record.put("tr", taint_names(call.result.taint()));
  if (!call.failure.kind.empty())
    record.put("failure", Value::list({call.failure.kind, call.failure.message}));
  return record;
}

CallRecord decode_call(const Value& value) {
  CallRecord call{.number = static_cast<std::uint32_t>(whole(value.at("n"))),
                  .is_model = value.at("model") == Value(true),
                  .tool = in_words(value.at("tool")),
                  .key = in_words(value.at("key")),
                  .args_hash = in_words(value.at("hash")),
                  .effect = static_cast<Effect>(word(effects, value.at("effect"))),
                  .state = static_cast<CallState>(word(call_states, value.at("state"))),
                  .attempt = static_cast<int>(whole(value.at("att"))),
                  .tries = static_cast<int>(whole(value.at("try"))),
                  .args = value.at("args"),
                  .result = value.at("result"),
                  .used = decode_usage(value.at("used")),
                  .reserved = decode_usage(value.at("res")),
                  .spent = decode_spending(value.at("spent"))};
  call.args.set_taint(read_taint(value.at("ta")));
  call.result.set_taint(read_taint(value.at("tr")));
  const Value& failure = value.at("failure");
  const Value& time = value.at("t");
  if (time.is_list() && time.items().size() == 2) {
    call.begun_ms = whole(time.items()[0]);
    call.took_ms = whole(time.items()[1]);
  }
  if (failure.is_list() && failure.items().size() == 2)
    call.failure = {in_words(failure.items()[0]), in_words(failure.items()[1])};
  return call;
}

Value task_record(const Place& place, const Task& task) {
  Value record = place_of("task", place);
  record.put("node", place.scope.agent->nodes[task.node].label);
  record.put("state", task_states[static_cast<std::size_t>(task.state)]);
  record.put("att", task.attempts);
  if (!task.writes.empty()) {
    record.put("w", encode_writes(*place.scope.agent, task.writes));
    put_taints(record.at("w"), record);
  }
  if (place.item >= 0 && task.state == TaskState::done) {
    record.put("r", task.result);
    if (task.result.taint() != 0) record.put("tr", taint_names(task.result.taint()));
  }
  if (task.state == TaskState::failed)
    record.put("f", Value::list({task.failure.kind, task.failure.message}));
  if (task.is_handled) record.put("h", true);
  if (!task.questions.empty()) record.put("q", encode_questions(task.questions));
  if (task.wake_ms != 0) record.put("wake", task.wake_ms);
  if (!task.calls.empty() && task.state == TaskState::done) record.put("calls", encode_calls(task));
  return record;
}

Value call_record(const Place& place, const Task& task, const CallRecord& call) {
  Value record = place_of("call", place);
  record.put("node", place.scope.agent->nodes[task.node].label);
  record.put("att", task.attempts);
  record.put("c", encode_call(call));
  return record;
}

Value step_record(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks) {
  std::vector<Value> list;
  list.reserve(tasks.size());
  for (const auto& task : tasks) {
    Value entry = Value::map();
    entry.reserve(4);
    entry.put("n", scope.agent->nodes[task->node].label);
    if (task->index >= 0) entry.put("i", task->index);
    if (task->attempts != 1) entry.put("att", task->attempts);
    if (!task->is_recorded) {
      entry.put("w", encode_writes(*scope.agent, task->writes));
      put_taints(entry.at("w"), entry);
      if (task->is_handled)
        entry.put("f", Value::list({task->failure.kind, task->failure.message}));
      if (!task->calls.empty()) entry.put("calls", encode_calls(*task));
    }
    list.push_back(std::move(entry));
  }
  Value record = Value::map();
  record.reserve(8);  // With "time" and "ms", which the recorder adds.
  record.put("k", step_word);
  record.put("at", scope.address.empty() ? outermost : Value(scope.address));
  record.put("step", scope.step);
  record.put("tasks", Value::list(std::move(list)));
  encode_position(scope, record);
  return record;
}

Value state_names(const Agent& agent, const State& state) { return state_value(agent, state); }

void decode_state(const Agent& agent, const Value& value, const Value& taints, State& state) {
  for (std::size_t i = 0; i < agent.keys.size(); ++i) {
    const Value* found = value.find(agent.keys[i].name);
    const bool is_kept = found != nullptr && can_hold(agent.keys[i], *found);
    state[i] = is_kept ? std::optional<Value>(*found) : std::nullopt;
    if (state[i]) state[i]->set_taint(read_taint(taints.at(agent.keys[i].name)));
  }
}

Value scope_record(const Scope& scope) {
  Value record = Value::map({{"k", "scope"}, {"at", scope.address}});
  record.put("state", state_names(*scope.agent, scope.state));
  put_taints(record.at("state"), record);
  if (!scope.tool.empty()) record.put("tool", scope.tool);
  encode_position(scope, record);
  return record;
}

Value encode_budget(const Budget& budget) {
  Value value = Value::map();
  if (budget.tokens) value.put("tokens", *budget.tokens);
  if (budget.calls) value.put("calls", *budget.calls);
  if (budget.usd) value.put("usd", *budget.usd);
  if (budget.wall) value.put("wall", budget.wall->count());
  constexpr std::string_view words[] = {"finish", "approve", "fail"};
  value.put("on_exceed", words[static_cast<std::size_t>(budget.on_exceed)]);
  if (!budget.finish.empty()) value.put("finish", budget.finish);
  return value;
}

Budget decode_budget(const Value& value) {
  Budget budget;
  if (value.at("tokens").is_integer()) budget.tokens = value.at("tokens").integer();
  if (value.at("calls").is_integer()) budget.calls = value.at("calls").integer();
  if (value.at("usd").is_number()) budget.usd = value.at("usd").number();
  if (value.at("wall").is_integer()) budget.wall = Milliseconds(value.at("wall").integer());
  if (value.at("on_exceed") == Value("finish")) budget.on_exceed = OnExceed::finish;
  if (value.at("on_exceed") == Value("approve")) budget.on_exceed = OnExceed::approve;
  budget.finish = in_words(value.at("finish"));
  return budget;
}

}  // namespace slipway::agents::detail
