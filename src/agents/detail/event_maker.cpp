#include "agents/detail/event_maker.hpp"

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

std::string word_of(const Value& state) {
  const std::string word = in_words(state);
  if (word == "stopped") return "interrupted";
  return word;
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
Value task_data(const Value& node, const std::string& path, std::int64_t step) {
  return Value::map({{"node", node}, {"path", path}, {"step", step}});
}

}  // namespace

Value usage_value(const Usage& usage) {
  return Value::map({{"tokens", usage.tokens}, {"usd", usage.usd}, {"calls", usage.calls}});
}

Value error_value(const Failure& failure, const std::string& node) {
  Value value = Value::map({{"kind", failure.kind}, {"message", failure.message}});
  if (!node.empty()) value.put("node", node);
  return value;
}

void EventMaker::budget(const Thread& thread, std::vector<Event>& out) {
  if (!thread.purse) return;
  add(out, "budget",
      Value::map(
          {{"settled", usage_value(thread.purse->settled())}, {"left", thread.purse->left()}}));
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
      Value::map(
          {{"step", step}, {"path", scope_path(scope)}, {"tasks", Value::list(std::move(tasks))}}));
}

void EventMaker::task_started(const Place& place, const Task& task, std::vector<Event>& out) {
  if (!started_.insert(place.address()).second) return;
  const Value& label = place.scope.agent->nodes[task.node].label;
  Value data = task_data(label, place.scope.prefix + label.text(), place.step);
  if (task.index >= 0) data.put("index", task.index);
  data.put("attempt", task.attempts + (task.is_continued ? 0 : 1));
  add(out, "task.started", std::move(data));
}

/// A superstep is seen to have begun by what was done in it.
void EventMaker::note_step(const Value& record, const Scope& scope, std::vector<Event>& out) {
  const std::int64_t step = whole(record.at("step"));
  if (!started_.insert(fmt::format("{}/{}", in_words(record.at("at")), step)).second) return;
  add(out, "step.started", Value::map({{"step", step}, {"path", scope_path(scope)}}));
}

void EventMaker::of_call(const Value& call, const Value& task, const std::string& path,
                         std::vector<Event>& out) {
  const std::string key =
      fmt::format("{}#{}#{}#{}", in_words(call.at("key")), whole(call.at("att")),
                  whole(call.at("try")), in_words(call.at("state")));
  if (!calls_.insert(key).second) return;
  const bool is_model = call.at("model") == Value(true);
  const bool begins = call.at("state") == Value("intent");
  Value data = task_data(task.at("node"), path, whole(task.at("step")));
  if (task.at("index").is_integer()) data.put("index", task.at("index"));
  data.put("call", call.at("key"));
  data.put(is_model ? "model" : "tool", call.at("tool"));
  data.put("state", begins ? Value("started") : call.at("state"));
  data.put("attempt", call.at("att"));
  if (!call.at("args").is_null()) data.put("args", call.at("args"));
  if (call.at("effect").is_text()) data.put("effect", call.at("effect"));
  if (begins) return add(out, is_model ? "model" : "tool", std::move(data));
  if (const Value* result = call.find("result")) data.put("result", *result);
  if (call.find("failure") != nullptr) data.put("error", failure_value(call.at("failure")));
  if (call.at("t").is_list() && call.at("t").items().size() == 2) {
    data.put("begun_ms", call.at("t").items()[0]);
    data.put("took_ms", call.at("t").items()[1]);
  }
  data.put("usage", usage_value(decode_usage(call.at("used"))));
  add(out, is_model ? "model" : "tool", std::move(data));
}

void EventMaker::of_task(const Value& record, const Scope& scope, std::vector<Event>& out) {
  const std::string key =
      key_of(record.at("at"), whole(record.at("step")), whole(record.at("ord")), record.at("item"));
  const std::string path = scope.prefix + in_words(record.at("node"));
  Value data = task_data(record.at("node"), path, whole(record.at("step")));
  const auto ordinal = static_cast<std::size_t>(whole(record.at("ord")));
  if (record.at("item").is_integer())
    data.put("index", record.at("item"));
  else if (ordinal < scope.open.size() && scope.open[ordinal]->index >= 0)
    data.put("index", scope.open[ordinal]->index);
  data.put("attempt", record.at("att").is_integer() ? record.at("att") : Value(1));
  if (started_.insert(key).second) add(out, "task.started", data);
  if (record.at("calls").is_list())
    for (const Value& call : record.at("calls").items()) of_call(call, data, path, out);
  data.put("state", word_of(record.at("state")));
  if (record.find("w") != nullptr) data.put("writes", record.at("w"));
  if (record.find("r") != nullptr) data.put("result", record.at("r"));
  if (record.find("f") != nullptr) data.put("error", failure_value(record.at("f")));
  if (record.find("wake") != nullptr) data.put("wakes_ms", record.at("wake"));
  finished_.insert(key);
  add(out, "task.finished", std::move(data));
}

void EventMaker::of_step(const Value& record, const Scope& scope, const Thread& thread,
                         std::vector<Event>& out) {
  const std::int64_t step = whole(record.at("step"));
  std::int64_t ordinal = 0;
  bool has_calls = false;
  for (const Value& entry : record.at("tasks").items()) {
    const std::string key = key_of(record.at("at"), step, ordinal++, Value());
    const std::string path = scope.prefix + in_words(entry.at("n"));
    Value data = task_data(entry.at("n"), path, step);
    if (entry.at("i").is_integer()) data.put("index", entry.at("i"));
    data.put("attempt", entry.at("att").is_integer() ? entry.at("att") : Value(1));
    if (started_.insert(key).second) add(out, "task.started", data);
    if (entry.at("calls").is_list())
      for (const Value& call : entry.at("calls").items()) {
        of_call(call, data, path, out);
        has_calls = true;
      }
    if (entry.find("w") == nullptr && finished_.contains(key)) continue;
    data.put("state", entry.find("f") != nullptr ? "failed" : "done");
    data.put("writes", entry.at("w"));
    if (entry.find("f") != nullptr) data.put("error", failure_value(entry.at("f")));
    add(out, "task.finished", std::move(data));
  }
  if (has_calls) budget(thread, out);
  Value data = Value::map({{"step", step}, {"path", scope_path(scope)}});
  if (scope.address.empty()) {
    data.put("checkpoint", checkpoint_name(thread.head));
    if (!thread.checkpoints.empty())
      data.put("parent", checkpoint_name(thread.checkpoints.back().parent));
  }
  data.put("state", state_value(*scope.agent, scope.state));
  data.put("next", record.at("next"));
  add(out, "step.finished", std::move(data));
  if (!scope.address.empty()) return;
  started_.clear();
  finished_.clear();
  calls_.clear();
}

void EventMaker::of_end(const Value& record, const Thread& thread, std::vector<Event>& out) {
  const bool is_interrupted = record.at("status") == Value("interrupted");
  std::vector<const OpenQuestion*> open;
  if (is_interrupted && thread.root) collect_questions(*thread.root, open);
  std::vector<Value> interrupts;
  for (const OpenQuestion* question : open) {
    interrupts.push_back(to_interrupt(*question).json());
    add(out, "interrupt", interrupts.back());
  }
  Value data = Value::map({{"status", record.at("status")}});
  if (thread.root) {
    data.put("state", state_value(*thread.agent, thread.root->state));
    data.put("output", output_value(*thread.agent, thread.root->state));
  }
  std::vector<Value> errors;
  for (std::size_t i = 0; i < thread.end.errors.size(); ++i)
    errors.push_back(error_value(thread.end.errors[i], thread.end.error_nodes[i]));
  if (!errors.empty()) {
    data.put("error", errors.front());
    data.put("errors", Value::list(std::move(errors)));
  }
  if (is_interrupted) data.put("interrupts", Value::list(std::move(interrupts)));
  if (thread.purse) {
    Value usage = usage_value(thread.purse->settled());
    usage.put("reserved_peak", thread.purse->peak());
    data.put("usage", std::move(usage));
  }
  if (thread.end.is_finished_early) data.put("finished_early", true);
  data.put("checkpoint", checkpoint_name(thread.head));
  add(out, "run.finished", std::move(data));
  // What is asked or failed is begun again when the run goes on.
  started_.clear();
}

void EventMaker::of_record(const Value& record, const Scope* scope, const Thread& thread,
                           std::vector<Event>& out) {
  const Value& kind = record.at("k");
  if (kind == Value("run") || kind == Value("resume")) {
    Value data = Value::map({{"thread", thread.id}});
    if (thread.agent) data.put("agent", thread.agent->name);
    if (kind == Value("run")) data.put("input", record.at("input"));
    if (kind == Value("resume")) data.put("resumed", true);
    data.put("checkpoint", checkpoint_name(thread.head));
    return add(out, "run.started", std::move(data));
  }
  if (kind == Value("end")) return of_end(record, thread, out);
  if (scope == nullptr) return;
  if (kind == Value("task") || kind == Value("call") || kind == Value("step"))
    note_step(record, *scope, out);
  if (kind == Value("task")) of_task(record, *scope, out);
  if (kind == Value("step") && record.at("tasks").is_list()) of_step(record, *scope, thread, out);
  if (kind != Value("call")) return;
  Value task = Value::map({{"node", record.at("node")}, {"step", record.at("step")}});
  const auto ordinal = static_cast<std::size_t>(whole(record.at("ord")));
  if (record.at("item").is_integer())
    task.put("index", record.at("item"));
  else if (ordinal < scope->open.size() && scope->open[ordinal]->index >= 0)
    task.put("index", scope->open[ordinal]->index);
  of_call(record.at("c"), task, scope->prefix + in_words(record.at("node")), out);
  if (record.at("c").at("state") != Value("intent")) budget(thread, out);
}

void Watch::tell(std::vector<Event> events) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch())
          .count();
  for (Event& event : events) {
    event.id = next_id_++;
    event.run = thread_.run;
    event.time_ms = now;
    if (event.type == "model" && event.data.at("state") == Value("started"))
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

void Watch::token(const Place& place, const std::string& path, std::string_view text) {
  const std::lock_guard lock(order_);
  Value data = Value::map({{"path", path}, {"step", place.step}, {"text", text}});
  const std::size_t slash = path.rfind('/');
  data.put("node", slash == std::string::npos ? path : path.substr(slash + 1));
  if (place.item >= 0) data.put("index", place.item);
  std::vector<Event> events;
  events.push_back({.type = "token", .data = std::move(data)});
  tell(std::move(events));
}

}  // namespace slipway::agents::detail
