#include "langgraph/detail/translator.hpp"

#include <algorithm>

#include "langgraph/detail/ids.hpp"

namespace slipway::langgraph::detail {

namespace {

int whole(const Value& value, int otherwise) {
  return value.is_integer() ? static_cast<int>(value.integer()) : otherwise;
}

std::string text_in(const Value& value) { return value.is_text() ? value.text() : std::string(); }

Value triggers_of(const std::string& node) { return Value::list({"branch:to:" + node}); }

}  // namespace

const std::vector<std::string>& stream_modes() {
  static const std::vector<std::string> modes = {"values",         "updates", "messages",
                                                 "messages-tuple", "tasks",   "checkpoints",
                                                 "custom",         "debug",   "events"};
  return modes;
}

Value interrupt_json(const Value& interrupt) {
  return Value::map({{"value", interrupt.at("value")}, {"id", interrupt.at("id")}});
}

Value interrupts_json(const Value& finished) {
  Value all = Value::list();
  if (finished.at("interrupts").is_list())
    for (const Value& interrupt : finished.at("interrupts").items())
      all.push(interrupt_json(interrupt));
  return all;
}

Value error_json(const Value& error) {
  return Value::map({{"error", error.at("kind")}, {"message", error.at("message")}});
}

Value checkpoint_json(const std::string& thread, const std::string& id) {
  if (id.empty()) return {};
  return Value::map({{"checkpoint_id", id}, {"thread_id", thread}, {"checkpoint_ns", ""}});
}

Translator::Where Translator::where_of(const Value& data) {
  return {.scope = text_in(data.at("graph")),
          .node = text_in(data.at("node")),
          .index = whole(data.at("index"), -1),
          .step = whole(data.at("step"), 0)};
}

std::string Translator::task_name(const Where& where) const {
  return where.index < 0 ? where.node : fmt::format("{}[{}]", where.node, where.index);
}

Spaces Translator::spaces() const {
  return {.lineage = lineage_ ? &*lineage_ : nullptr, .number = number_, .steps = inner_steps_};
}

std::string Translator::task_id(const Where& where) const {
  return spaces().task_id(where.scope, where.step, task_name(where));
}

std::string Translator::name_space(const std::string& scope) const {
  return spaces().of_scope(scope);
}

Value Translator::values_out(const std::string& scope, const Value& values) const {
  const agents::Agent* agent = agent_at(*options_.agent, scope);
  return agent == nullptr ? values : state_out(*agent, values);
}

const Value& Translator::state_of(const std::string& scope) const {
  if (scope.empty()) return state_;
  static const Value nothing = Value::map();
  const auto found = inner_states_.find(scope);
  return found == inner_states_.end() ? nothing : found->second;
}

Value Translator::base_metadata() const {
  Value metadata = options_.metadata;
  metadata.put("graph_id", options_.agent->name);
  metadata.put("assistant_id", options_.assistant);
  metadata.put("run_attempt", 1);
  metadata.put("run_id", options_.run);
  return metadata;
}

Value Translator::message_metadata(const Where& where) const {
  const std::string outer = name_space(where.scope);
  const std::string ns =
      fmt::format("{}{}{}:{}", outer, outer.empty() ? "" : "|", where.node, task_id(where));
  Value metadata = base_metadata();
  metadata.put("thread_id", options_.thread);
  metadata.put("langgraph_step", where.scope.empty() ? number_ + 1 : where.step);
  metadata.put("langgraph_node", where.node);
  metadata.put("langgraph_triggers", triggers_of(where.node));
  metadata.put("langgraph_path", Value::list({"__pregel_pull", where.node}));
  metadata.put("langgraph_checkpoint_ns", ns);
  metadata.put("checkpoint_ns", ns);
  return metadata;
}

void Translator::tell(std::string_view mode, const std::string& scope, const Value& data) {
  if (!wants(mode) || (!scope.empty() && !options_.has_subgraphs)) return;
  std::string event(mode);
  if (!scope.empty()) event += "|" + name_space(scope);
  out_.push_back({std::move(event), data});
}

void Translator::debug(const char* type, const std::string& scope, int step, const Value& payload) {
  tell("debug", scope,
       Value::map({{"step", step},
                   {"timestamp", time_text(time_ms_)},
                   {"type", type},
                   {"payload", payload}}));
}

void Translator::tell_checkpoint(const Lineage& lineage, const Lineage::Point& point) {
  if (!wants("checkpoints") && !wants("debug")) return;
  const auto config = [&](const std::string& id) -> Value {
    if (id.empty()) return {};
    return Value::map({{"configurable", Value::map({{"checkpoint_ns", ""},
                                                    {"thread_id", options_.thread},
                                                    {"run_id", options_.run},
                                                    {"graph_id", options_.agent->name},
                                                    {"assistant_id", options_.assistant},
                                                    {"checkpoint_id", id}})}});
  };
  Value next = Value::list(), tasks = Value::list();
  for (const std::string& name : point.next) {
    next.push(node_name(name));
    tasks.push(Value::map({{"id", lineage.task_id(point.number, name)},
                           {"name", node_name(name)},
                           {"interrupts", Value::list()},
                           {"state", Value()}}));
  }
  Value data = Value::map(
      {{"config", config(point.id)},
       {"parent_config", config(point.parent)},
       {"values", point.values},
       {"metadata",
        Value::map({{"source", point.source}, {"step", point.number}, {"parents", Value::map()}})},
       {"next", next},
       {"tasks", tasks}});
  tell("checkpoints", "", data);
  data.put("checkpoint", checkpoint_json(options_.thread, point.id));
  data.put("parent_checkpoint", checkpoint_json(options_.thread, point.parent));
  debug("checkpoint", "", point.number, data);
}

Result<void> Translator::run_started(const Value& data) {
  lineage_ = TRY(options_.lineage());
  const Lineage::Point* point = lineage_->find(text_in(data.at("checkpoint")));
  if (point == nullptr) point = lineage_->newest();
  if (point == nullptr) return {};
  number_ = point->number;
  state_ = point->values;
  // Of a run that goes on the checkpoint has been told before.
  const bool is_new = data.at("resumed") != Value(true) || point->source != "loop";
  if (const Lineage::Point* input = lineage_->find(point->parent);
      input != nullptr && input->source == "input" && is_new)
    tell_checkpoint(*lineage_, *input);
  tell("values", "", state_);
  if (is_new) tell_checkpoint(*lineage_, *point);
  return {};
}

void Translator::step_started(const Value& data) {
  const std::string scope = text_in(data.at("graph"));
  const bool is_first = !scope.empty() && !inner_states_.contains(scope);
  inner_steps_[scope] = whole(data.at("step"), 0);
  if (scope.empty() || !data.at("state").is_map()) return;
  inner_states_[scope] = values_out(scope, data.at("state"));
  if (is_first) tell("values", scope, inner_states_[scope]);
}

void Translator::task_started(const Value& data) {
  const Where where = where_of(data);
  inner_steps_[where.scope] = where.step;
  const Value payload = Value::map({{"id", task_id(where)},
                                    {"name", where.node},
                                    {"input", state_of(where.scope)},
                                    {"triggers", triggers_of(where.node)},
                                    {"metadata", base_metadata()}});
  tell("tasks", where.scope, payload);
  debug("task", where.scope, where.scope.empty() ? number_ + 1 : where.step, payload);
}

void Translator::task_finished(const Value& data) {
  const Where where = where_of(data);
  const std::string status = text_in(data.at("status"));
  if (status != "done" && status != "failed") return;  // Questions are told at the run's end.
  if (data.find("result") != nullptr) return;          // An item of a map: its node tells of all.
  const Value writes = values_out(where.scope, data.at("writes"));
  const bool is_done = status == "done";
  if (is_done) {
    written_messages(where, writes);
    tell("updates", where.scope, Value::map({{where.node, writes}}));
  }
  const Value payload = Value::map({{"id", task_id(where)},
                                    {"name", where.node},
                                    {"error", is_done ? Value() : error_json(data.at("error"))},
                                    {"result", writes.is_null() ? Value::map() : writes},
                                    {"interrupts", Value::list()}});
  tell("tasks", where.scope, payload);
  debug("task_result", where.scope, where.scope.empty() ? number_ + 1 : where.step, payload);
}

Result<void> Translator::step_finished(const Value& data) {
  const std::string scope = text_in(data.at("graph"));
  const Value values = values_out(scope, data.at("state"));
  if (!scope.empty()) {
    inner_states_[scope] = values;
    tell("values", scope, values);
    return {};
  }
  ++number_;
  state_ = values;
  inner_states_.clear();
  tell("values", "", values);
  if (!wants("checkpoints") && !wants("debug")) return {};
  const std::string id = text_in(data.at("checkpoint"));
  if (lineage_ && lineage_->find(id) == nullptr) lineage_ = TRY(options_.lineage());
  if (const Lineage::Point* point = lineage_ ? lineage_->find(id) : nullptr)
    tell_checkpoint(*lineage_, *point);
  return {};
}

void Translator::run_finished(const Value& data) {
  const std::string status = text_in(data.at("status"));
  if (status == "failed") {
    out_.push_back({"error", error_json(data.at("error"))});
    return;
  }
  if (status != "interrupted") return;
  const Value all = interrupts_json(data);
  std::map<std::string, Value> by_node;
  if (data.at("interrupts").is_list())
    for (const Value& interrupt : data.at("interrupts").items()) {
      auto [place, is_new] = by_node.emplace(text_in(interrupt.at("node")), Value::list());
      place->second.push(interrupt_json(interrupt));
    }
  tell("updates", "", Value::map({{"__interrupt__", all}}));
  if (all.items().empty()) return;  // A pause.
  Value values = state_;
  values.put("__interrupt__", all);
  tell("values", "", values);
  for (const auto& [node, interrupts] : by_node) {
    const Value payload = Value::map({{"id", task_id({.node = node})},
                                      {"name", node},
                                      {"error", Value()},
                                      {"result", Value::map()},
                                      {"interrupts", interrupts}});
    tell("tasks", "", payload);
    debug("task_result", "", number_ + 1, payload);
  }
}

/// Whether a call is one of the tool that writes to the custom stream.
bool Translator::is_emit(const Value& data) const {
  const agents::Agent* agent = agent_at(*options_.agent, text_in(data.at("graph")));
  if (agent == nullptr || !data.at("tool").is_text()) return false;
  return std::any_of(agent->tools.begin(), agent->tools.end(), [&](const auto& tool) {
    return tool.is_emit() && data.at("tool").text() == tool.name;
  });
}

Value Translator::emitted(const agents::Event& event) const {
  const Value& data = event.data;
  if (event.type == "custom") return data.at("value");
  if (event.type != "tool" || !(data.at("state") == Value("done")) || !is_emit(data)) return {};
  return data.at("args").is_map() ? data.at("args") : Value::map();
}

void Translator::custom(const agents::Event& event) {
  Value told = emitted(event);
  if (told.is_null() && (event.type == "custom" || is_emit(event.data))) return;
  if (told.is_null()) {
    told = event.data;
    told.put("type", event.type);
  }
  tell("custom", where_of(event.data).scope, told);
}

Result<std::vector<Frame>> Translator::frames(const agents::Event& event) {
  out_.clear();
  time_ms_ = event.time_ms;
  const Value& data = event.data;
  if (event.type == "run.started")
    TRY(run_started(data));
  else if (event.type == "step.started")
    step_started(data);
  else if (event.type == "task.started")
    task_started(data);
  else if (event.type == "task.finished")
    task_finished(data);
  else if (event.type == "step.finished")
    TRY(step_finished(data));
  else if (event.type == "run.finished")
    run_finished(data);
  else if (event.type == "model")
    model(data);
  else if (event.type == "token")
    token(data);
  else if (event.type == "tool" || event.type == "budget" || event.type == "custom")
    custom(event);
  if (wants("events")) events_of(event);
  return std::move(out_);
}

}  // namespace slipway::langgraph::detail
