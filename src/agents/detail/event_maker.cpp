#include "agents/detail/event_maker.hpp"

#include "agents/detail/conversation.hpp"

#include "agents/detail/session.hpp"

namespace slipway::agents::detail {

namespace {

std::int64_t whole(const Value& value) { return value.is_integer() ? value.integer() : 0; }

/// "writer" of "writer/": which agent it is in; "" the outermost.
std::string scope_path(const Scope& scope) {
  return scope.prefix.empty() ? "" : scope.prefix.substr(0, scope.prefix.size() - 1);
}

Value failure_value(const Value& pair) {
  if (!pair.is_list() || pair.items().size() != 2) return {};
  return Value::map({{"kind", pair.items()[0]}, {"message", pair.items()[1]}});
}

std::string key_of(const Value& at, std::int64_t step, std::int64_t ordinal, const Value& item) {
  std::string key = fmt::format("{}/{}:{}", in_words(at), step, ordinal);
  if (item.is_integer()) key += fmt::format("[{}]", item.integer());
  return key;
}

void add(std::vector<Event>& out, const char* type, Value data) {
  out.push_back({.type = type, .data = std::move(data)});
}

/// What tasks tell of themselves.
Value task_data(const Scope& scope, const Value& node, std::int64_t step) {
  return Value::map({{"graph", scope_path(scope)},
                     {"node", node},
                     {"path", scope.prefix + in_words(node)},
                     {"step", step}});
}

/// Of a task that is open, by the record's place.
Value open_task_data(const Scope& scope, const Value& record) {
  Value data = task_data(scope, record.at("node"), whole(record.at("step")));
  const auto ordinal = static_cast<std::size_t>(whole(record.at("ord")));
  if (ordinal >= scope.open.size()) return data;
  const Task& task = *scope.open[ordinal];
  if (record.at("item").is_integer())
    data.put("index", record.at("item"));
  else if (task.index >= 0)
    data.put("index", task.index);
  data.put("visit", task.visit);
  return data;
}

/// Which of the starts of its node each task of a merged superstep was.
std::vector<std::uint32_t> visits_of(const Scope& scope, const Value& tasks) {
  std::map<std::string, std::uint32_t> left;
  for (const Value& entry : tasks.items()) ++left[in_words(entry.at("n"))];
  std::vector<std::uint32_t> visits;
  for (const Value& entry : tasks.items()) {
    const std::string name = in_words(entry.at("n"));
    const auto node = scope.agent->node(name);
    visits.push_back(node ? scope.visits[*node] - --left[name] : 1);
  }
  return visits;
}

Value names_of(const Scope& scope, const std::vector<Ready>& list) {
  std::vector<Value> names;
  for (const Ready& ready : list) {
    const std::string& name = scope.agent->nodes[ready.node].name;
    names.emplace_back(ready.index < 0 ? name : fmt::format("{}[{}]", name, ready.index));
  }
  return Value::list(std::move(names));
}

}  // namespace

Value usage_value(const Usage& usage) {
  return Value::map({{"tokens", usage.tokens}, {"usd", usage.usd}, {"calls", usage.calls}});
}

void EventMaker::budget(const Thread& thread, std::vector<Event>& out) {
  if (!thread.purse) return;
  add(out, "budget",
      Value::map({{"settled", usage_value(thread.purse->settled())},
                  {"reserved", usage_value(thread.purse->reserved())},
                  {"left", thread.purse->left()}}));
}

void EventMaker::step_started(const Scope& scope, std::vector<Event>& out) {
  const int step = scope.step + 1;
  if (!started_.insert(fmt::format("{}/{}", scope.address, step)).second) return;
  std::vector<Value> tasks;
  for (const auto& task : scope.open) {
    Value entry = Value::map({{"node", scope.agent->nodes[task->node].label}});
    if (task->index >= 0) entry.put("index", task->index);
    tasks.push_back(std::move(entry));
  }
  add(out, "step.started",
      Value::map({{"graph", scope_path(scope)},
                  {"step", step},
                  {"state", state_value(*scope.agent, scope.state)},
                  {"tasks", Value::list(std::move(tasks))}}));
}

void EventMaker::task_started(const Place& place, const Task& task, std::vector<Event>& out) {
  if (!started_.insert(place.address()).second) return;
  Value data = task_data(place.scope, place.scope.agent->nodes[task.node].label, place.step);
  if (task.index >= 0) data.put("index", task.index);
  data.put("visit", task.visit);
  data.put("attempt", task.attempts + (task.is_continued ? 0 : 1));
  add(out, "task.started", std::move(data));
}

/// A superstep is seen to have begun by what was done in it.
void EventMaker::note_step(const Value& record, const Scope& scope, std::vector<Event>& out) {
  const std::int64_t step = whole(record.at("step"));
  if (!started_.insert(fmt::format("{}/{}", in_words(record.at("at")), step)).second) return;
  const Value& before = states_[in_words(record.at("at"))];
  add(out, "step.started",
      Value::map({{"graph", scope_path(scope)},
                  {"step", step},
                  {"state", before.is_null() ? Value::map() : before}}));
}

/// `data` tells the task.
void EventMaker::of_call(const Value& call, Value data, std::vector<Event>& out) {
  const std::string key =
      fmt::format("{}#{}#{}#{}", in_words(call.at("key")), whole(call.at("att")),
                  whole(call.at("try")), in_words(call.at("state")));
  if (!calls_.insert(key).second) return;
  const bool is_model = call.at("model") == Value(true);
  const bool begins = call.at("state") == Value("intent");
  data.put("call", call.at("key"));
  data.put(is_model ? "model" : "tool", call.at("tool"));
  data.put("state", begins ? Value("begun") : call.at("state"));
  data.put("attempt", call.at("att"));
  if (sums_up(call)) data.put("summary", true);
  if (!call.at("args").is_null()) data.put("args", call.at("args"));
  if (call.at("effect").is_text() && !is_model) data.put("effect", call.at("effect"));
  if (begins) return add(out, is_model ? "model" : "tool", std::move(data));
  const Value& result = call.at("result");
  if (is_model && result.is_map()) {
    data.put("text", result.at("text"));
    if (result.find("tool_calls") != nullptr) data.put("tool_calls", result.at("tool_calls"));
    if (const Value* usage = result.find("usage")) {
      data.put("input_tokens", usage->at("input"));
      data.put("output_tokens", usage->at("output"));
    }
  } else if (call.find("result") != nullptr) {
    data.put("result", result);
  }
  if (call.find("failure") != nullptr) data.put("error", failure_value(call.at("failure")));
  if (call.at("t").is_list() && call.at("t").items().size() == 2) {
    data.put("begun_ms", call.at("t").items()[0]);
    data.put("took_ms", call.at("t").items()[1]);
  }
  data.put("usage", usage_value(decode_usage(call.at("used"))));
  if (call.find("spent") != nullptr) data.put("spent", call.at("spent"));
  add(out, is_model ? "model" : "tool", std::move(data));
}

void EventMaker::of_task(const Value& record, const Scope& scope, std::vector<Event>& out) {
  const std::string key =
      key_of(record.at("at"), whole(record.at("step")), whole(record.at("ord")), record.at("item"));
  Value data = open_task_data(scope, record);
  const Value plain = data;
  data.put("attempt", record.at("att").is_integer() ? record.at("att") : Value(1));
  if (started_.insert(key).second) add(out, "task.started", data);
  if (record.at("calls").is_list())
    for (const Value& call : record.at("calls").items()) of_call(call, plain, out);
  data.put("status", record.at("state"));
  data.put("writes", record.find("w") != nullptr ? record.at("w") : Value::map());
  if (record.find("r") != nullptr) data.put("result", record.at("r"));
  if (record.find("f") != nullptr) data.put("error", failure_value(record.at("f")));
  if (record.find("wake") != nullptr) data.put("wakes_ms", record.at("wake"));
  finished_.insert(key);
  add(out, "task.finished", std::move(data));
}

void EventMaker::of_merged_tasks(const Value& record, const Scope& scope, const Thread& thread,
                                 std::vector<Event>& out) {
  const std::int64_t step = whole(record.at("step"));
  const std::vector<std::uint32_t> visits = visits_of(scope, record.at("tasks"));
  std::size_t ordinal = 0;
  bool has_calls = false;
  for (const Value& entry : record.at("tasks").items()) {
    const std::string key =
        key_of(record.at("at"), step, static_cast<std::int64_t>(ordinal), Value());
    Value data = task_data(scope, entry.at("n"), step);
    if (entry.at("i").is_integer()) data.put("index", entry.at("i"));
    data.put("visit", visits[ordinal++]);
    const Value plain = data;
    data.put("attempt", entry.at("att").is_integer() ? entry.at("att") : Value(1));
    if (started_.insert(key).second) add(out, "task.started", data);
    if (entry.at("calls").is_list())
      for (const Value& call : entry.at("calls").items()) {
        of_call(call, plain, out);
        has_calls = true;
      }
    if (entry.find("w") == nullptr && finished_.contains(key)) continue;
    data.put("status", entry.find("f") != nullptr ? "failed" : "done");
    data.put("writes", entry.find("w") != nullptr ? entry.at("w") : Value::map());
    if (entry.find("f") != nullptr) data.put("error", failure_value(entry.at("f")));
    add(out, "task.finished", std::move(data));
  }
  if (has_calls) budget(thread, out);
}

void EventMaker::of_step(const Value& record, const Scope& scope, const Thread& thread,
                         std::vector<Event>& out) {
  of_merged_tasks(record, scope, thread, out);
  Value data = Value::map({{"graph", scope_path(scope)},
                           {"step", record.at("step")},
                           {"state", state_value(*scope.agent, scope.state)},
                           {"next", names_of(scope, scope.next)}});
  const bool is_outermost = scope.address.empty();
  if (is_outermost) data.put("checkpoint", checkpoint_name(thread.head));
  if (is_outermost && !thread.checkpoints.empty())
    data.put("parent", checkpoint_name(thread.checkpoints.back().parent));
  add(out, "step.finished", std::move(data));
  if (!is_outermost) return;
  started_.clear();
  finished_.clear();
  calls_.clear();
  states_.clear();
}

void EventMaker::of_end(const Value& record, const Thread& thread, std::vector<Event>& out) {
  if (!thread.root || !thread.purse) return;
  const auto status =
      json::from<Status>(json::Value(boost::json::string(in_words(record.at("status")))));
  const RunResult result = result_of(thread, status ? *status : Status::failed);
  if (result.status == Status::interrupted)
    for (const Interrupt& interrupt : result.interrupts) add(out, "interrupt", interrupt.json());
  add(out, "run.finished", result.json());
  // What is asked or failed is begun again when the run goes on.
  started_.clear();
}

void EventMaker::of_record(const Value& record, const Scope* scope, const Thread& thread,
                           std::vector<Event>& out) {
  const std::string kind = in_words(record.at("k"));
  if (kind == "run" || kind == "resume") {
    Value data = Value::map({{"thread", thread.id}});
    if (thread.agent) data.put("agent", thread.agent->name);
    if (kind == "run") data.put("input", record.at("input"));
    if (kind == "resume") data.put("resumed", true);
    data.put("checkpoint", checkpoint_name(thread.head));
    add(out, "run.started", std::move(data));
  }
  if (kind == "end") of_end(record, thread, out);
  if (scope == nullptr) return;
  if (kind == "task" || kind == "call" || kind == "step") note_step(record, *scope, out);
  if (kind == "task") of_task(record, *scope, out);
  if (kind == "step" && record.at("tasks").is_list()) of_step(record, *scope, thread, out);
  if (kind == "run" || kind == "fork" || kind == "step" || kind == "scope")
    states_[scope->address] = state_value(*scope->agent, scope->state);
  if (kind != "call") return;
  of_call(record.at("c"), open_task_data(*scope, record), out);
  if (record.at("c").at("state") != Value("intent")) budget(thread, out);
}

void Watch::tell(std::vector<Event> events) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch())
          .count();
  for (Event& event : events) {
    event.id = next_id_++;
    event.run = place_ && !place_->run.empty() ? place_->run : thread_.run;
    event.place = place_;
    event.time_ms = now;
    if (event.type == "model" && event.data.at("state") == Value("begun"))
      if (auto asked = asked_.extract(in_words(event.data.at("call"))); !asked.empty())
        event.detail = std::move(asked.mapped());
    sink_(std::move(event));
  }
}

void Watch::recorded(std::uint64_t number, const Value& record, const Scope* scope) {
  next_id_ = first_event_of(number);
  std::vector<Event> events;
  maker_.of_record(record, scope, thread_, events);
  tell(std::move(events));
}

void Watch::step_started(const Scope& scope) {
  const std::lock_guard lock(order_);
  std::vector<Event> events;
  maker_.step_started(scope, events);
  tell(std::move(events));
}

void Watch::task_started(const Place& place, const Task& task) {
  const std::lock_guard lock(order_);
  std::vector<Event> events;
  maker_.task_started(place, task, events);
  tell(std::move(events));
}

void Watch::model_called(const std::string& key, const ModelCall& call) {
  std::vector<Value> messages;
  for (const ChatMessage& message : call.messages) {
    Value made = Value::map({{"role", message.role}, {"content", message.content}});
    if (!message.tool_call_id.empty()) made.put("tool_call_id", message.tool_call_id);
    std::vector<Value> calls;
    for (const ToolRequest& tool : message.tool_calls)
      calls.push_back(Value::map({{"id", tool.id}, {"name", tool.name}, {"args", tool.args}}));
    if (!calls.empty()) made.put("tool_calls", Value::list(std::move(calls)));
    messages.push_back(std::move(made));
  }
  const std::lock_guard lock(order_);
  asked_[key] = Value::list(std::move(messages));
}

void Watch::token(const Place& place, const Task& task, const std::string& call,
                  std::string_view text) {
  tell_of_task(place, task,
               {.type = "token", .data = Value::map({{"call", call}, {"text", text}})});
}

void Watch::emitted(const Place& place, const Task& task, const Value& value) {
  tell_of_task(place, task, {.type = "custom", .data = Value::map({{"value", value}})});
}

void Watch::tell_of_task(const Place& place, const Task& task, Event event) {
  Value data = task_data(place.scope, place.scope.agent->nodes[task.node].label, place.step);
  if (task.index >= 0) data.put("index", task.index);
  data.put("visit", task.visit);
  for (const auto& [name, value] : event.data.entries().items) data.put(name, value);
  event.data = std::move(data);
  const std::lock_guard lock(order_);
  std::vector<Event> events;
  events.push_back(std::move(event));
  tell(std::move(events));
}

}  // namespace slipway::agents::detail
