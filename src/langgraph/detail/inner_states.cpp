#include "langgraph/detail/inner_states.hpp"

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

std::string task_name(const Value& task) {
  const std::string node = agents::in_words(task.at("node"));
  return task.at("index").is_integer() ? fmt::format("{}[{}]", node, task.at("index").integer())
                                       : node;
}

Value interrupts_below(const Lineage& lineage, const std::string& path) {
  Value list = Value::list();
  if (lineage.newest() == nullptr) return list;
  for (const agents::Interrupt& one : lineage.newest()->interrupts)
    if (one.path == path || one.path.starts_with(path + "/"))
      list.push(Value::map({{"id", one.id}, {"value", one.value}}));
  return list;
}

/// The nodes of `state`'s tasks that are sub-agents, with their tasks.
template <typename Put>
void change_tasks(const agents::Agent& agent, Value& state, const Put& put) {
  Value tasks = Value::list();
  for (const Value& task : state.at("tasks").items()) {
    Value changed = task;
    const std::string node = agents::in_words(task.at("name"));
    if (agent_at(agent, node) != nullptr) put(node, changed);
    tasks.push(std::move(changed));
  }
  state.put("tasks", std::move(tasks));
}

}  // namespace

Result<InnerStates> InnerStates::read(Core& core, const ThreadView& thread, const Lineage& lineage,
                                      const agents::Agent& agent) {
  InnerStates made(lineage, agent);
  for (const agents::Event& event : TRY(events_of(core, thread))) made.take(event);
  return made;
}

void InnerStates::take(const agents::Event& event) {
  const bool begins = event.type == "step.started", ends = event.type == "step.finished";
  const std::string scope = agents::in_words(event.data.at("graph"));
  if (event.type == "run.started" || (ends && scope.empty())) {
    // What was open is merged, or dropped by an input or for another checkpoint.
    const std::string at = agents::in_words(event.data.at("checkpoint"));
    const bool goes_on = event.data.at("resumed") == Value(true) && at == at_;
    if (!goes_on) states_.clear();
    at_ = at;
  }
  if (!begins && !ends) return;
  const int step =
      event.data.at("step").is_integer() ? static_cast<int>(event.data.at("step").integer()) : 0;
  steps_[scope] = step;
  if (scope.empty()) return;
  State& state = states_[scope];
  state.time_ms = event.time_ms;
  state.step = begins ? step - 1 : step;
  if (event.data.at("state").is_map()) state.values = event.data.at("state");
  const Value& open = event.data.at(begins ? "tasks" : "next");
  if (!open.is_list()) return;
  state.open.clear();
  for (const Value& task : open.items())
    state.open.push_back(begins ? task_name(task) : agents::in_words(task));
}

Spaces InnerStates::spaces() const {
  return {.lineage = &lineage_,
          .number = lineage_.newest() == nullptr ? 0 : lineage_.newest()->number,
          .steps = steps_};
}

Value InnerStates::of_space(const std::string& name_space) const {
  for (const auto& [scope, state] : states_)
    if (spaces().of_scope(scope) == name_space) return of_scope(scope);
  return {};
}

Value InnerStates::of_scope(const std::string& scope) const {
  const auto found = states_.find(scope);
  const agents::Agent* agent = agent_at(agent_, scope);
  if (found == states_.end() || agent == nullptr || lineage_.newest() == nullptr) return {};
  const State& state = found->second;
  const std::string space = spaces().of_scope(scope), outer = lineage_.newest()->id;
  Value next = Value::list(), tasks = Value::list();
  for (const std::string& name : state.open) {
    const std::string node = node_name(name), path = fmt::format("{}/{}", scope, node);
    next.push(node);
    tasks.push(Value::map({{"id", spaces().task_id(scope, state.step + 1, name)},
                           {"name", node},
                           {"path", Value::list({"__pregel_pull", node})},
                           {"error", Value()},
                           {"interrupts", interrupts_below(lineage_, path)},
                           {"checkpoint", Value()},
                           {"state", of_scope(path)},
                           {"result", Value()}}));
  }
  const std::string id = fmt::format("{}.{}", outer, state.step);
  const Value parents = Value::map({{"", outer}});
  return Value::map(
      {{"values", state_out(*agent, state.values)},
       {"next", next},
       {"tasks", tasks},
       {"metadata", Value::map({{"graph_id", agent_.name},
                                {"thread_id", lineage_.thread()},
                                {"run_id", lineage_.newest()->run},
                                {"source", "loop"},
                                {"step", state.step},
                                {"parents", parents},
                                {"checkpoint_ns", space},
                                {"langgraph_checkpoint_ns", space}})},
       {"created_at", time_text(state.time_ms)},
       {"checkpoint", Value::map({{"checkpoint_id", id},
                                  {"thread_id", lineage_.thread()},
                                  {"checkpoint_ns", space},
                                  {"checkpoint_map", Value::map({{"", outer}, {space, id}})}})},
       {"parent_checkpoint", Value()},
       {"interrupts", interrupts_below(lineage_, scope)},
       {"checkpoint_id", id},
       {"parent_checkpoint_id", Value()}});
}

Result<void> put_inner_states(Core& core, const ThreadView& thread, const Lineage& lineage,
                              Value& state) {
  const agents::AgentPtr agent = TRY(agent_of(core, thread));
  const InnerStates inner = TRY(InnerStates::read(core, thread, lineage, *agent));
  change_tasks(*agent, state, [&](const std::string& node, Value& task) {
    task.put("state", inner.of_scope(node));
  });
  return {};
}

Result<void> put_inner_names(Core& core, const ThreadView& thread, Value& state) {
  const agents::AgentPtr agent = TRY(agent_of(core, thread));
  change_tasks(*agent, state, [&](const std::string& node, Value& task) {
    task.put("checkpoint",
             Value::map(
                 {{"thread_id", thread.id},
                  {"checkpoint_ns", fmt::format("{}:{}", node, agents::in_words(task.at("id")))}}));
  });
  return {};
}

}  // namespace slipway::langgraph::detail
