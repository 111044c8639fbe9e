#include "langgraph/detail/threads.hpp"

#include <algorithm>

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr int threads_max = 100'000;

std::string status_of(agents::ThreadStatus status) {
  switch (status) {
    case agents::ThreadStatus::busy: return "busy";
    case agents::ThreadStatus::interrupted: return "interrupted";
    case agents::ThreadStatus::failed: return "error";
    case agents::ThreadStatus::idle: break;
  }
  return "idle";
}

ThreadView view_of(const agents::ThreadInfo& info) {
  return {.id = info.id,
          .agent = info.agent,
          .status = status_of(info.status),
          .metadata = agents::from_json(info.metadata),
          .created_ms = info.created_ms,
          .updated_ms = info.updated_ms,
          .run = info.run};
}

ThreadView view_of(const ThreadNote& note) {
  return {.id = note.id,
          .metadata = note.metadata,
          .created_ms = note.created_ms,
          .updated_ms = note.updated_ms};
}

/// The error of the newest run, if the thread stands at one.
std::optional<agents::RunResult> failure_of(Core& core, const ThreadView& thread) {
  if (thread.status != "error" || thread.run.empty()) return std::nullopt;
  auto result = core.host().result(thread.run);
  if (!result || !result->error) return std::nullopt;
  return *std::move(result);
}

Value tasks_of(const Lineage& lineage, const Lineage::Point& point,
               const std::optional<agents::RunResult>& failed) {
  Value tasks = Value::list();
  for (const std::string& name : point.next) {
    const std::string node = node_name(name);
    Value interrupts = Value::list();
    for (const agents::Interrupt& one : point.interrupts)
      if (one.node == node) interrupts.push(Value::map({{"id", one.id}, {"value", one.value}}));
    Value error;
    if (failed && &point == lineage.newest())
      for (const agents::RunError& one : failed->errors)
        if (one.node == node) error = Value(fmt::format("{}: {}", one.kind, one.message));
    tasks.push(Value::map({{"id", lineage.task_id(point.number, name)},
                           {"name", node},
                           {"path", Value::list({"__pregel_pull", node})},
                           {"error", error},
                           {"interrupts", interrupts},
                           {"checkpoint", Value()},
                           {"state", Value()},
                           {"result", Value()}}));
  }
  return tasks;
}

Value interrupts_of(const Lineage& lineage) {
  Value by_task = Value::map();
  const Lineage::Point* newest = lineage.newest();
  if (newest == nullptr) return by_task;
  for (const std::string& name : newest->next) {
    Value list = Value::list();
    for (const agents::Interrupt& one : newest->interrupts)
      if (one.node == node_name(name))
        list.push(Value::map({{"id", one.id}, {"value", one.value}}));
    if (!list.items().empty()) by_task.put(lineage.task_id(newest->number, name), list);
  }
  return by_task;
}

}  // namespace

Result<ThreadView> find_thread(Core& core, const Context& context, const std::string& id) {
  auto known = core.host().thread(id);
  if (known) return view_of(*known);
  if (known.error().code() != Code::not_found && known.error().code() != Code::invalid_argument)
    return known.error();
  if (auto note = TRY(core.notes().thread(context, id))) return view_of(*note);
  if (!is_uuid(id)) return fail(Code::invalid_argument, "Invalid thread ID: must be a UUID");
  return fail(Code::not_found, "Thread with ID {} not found", id);
}

Result<std::vector<ThreadView>> list_threads(Core& core, const Context& context) {
  std::vector<ThreadView> views;
  std::map<std::string, bool> known;
  for (const agents::ThreadInfo& info : TRY(core.host().threads({.limit = threads_max}))) {
    known[info.id] = true;
    views.push_back(view_of(info));
  }
  for (const ThreadNote& note : TRY(core.notes().threads(context)))
    if (!known.contains(note.id)) views.push_back(view_of(note));
  return views;
}

Result<void> begin_thread(Core& core, const ThreadView& thread, const std::string& agent) {
  if (!thread.agent.empty() || core.host().thread(thread.id)) return {};
  auto made =
      core.host().create_thread(agent, thread.id, agents::to_json(thread.metadata).as_object());
  // Somebody else may have begun it meanwhile.
  if (!made && made.error().code() != Code::conflict) return made.error();
  return {};
}

Result<ThreadView> set_metadata(Core& core, const Context& context, const ThreadView& thread,
                                const Value& metadata) {
  Value merged = thread.metadata;
  for (const auto& [name, value] : metadata.entries().items) merged.put(name, value);
  auto changed = core.host().set_metadata(thread.id, agents::to_json(merged).as_object());
  if (!changed && changed.error().code() != Code::not_found) return changed.error();
  if (auto note = TRY(core.notes().thread(context, thread.id))) {
    note->metadata = merged;
    note->updated_ms = now_ms(core.clock());
    TRY(core.notes().put_thread(context, *note));
  }
  return find_thread(core, context, thread.id);
}

Result<void> remove_thread(Core& core, const Context& context, const std::string& id) {
  const ThreadView thread = TRY(find_thread(core, context, id));
  for (const RunNote& note : TRY(core.notes().runs(context, id))) core.forget(note.id);
  if (core.host().thread(id)) {
    for (const agents::RunInfo& run : TRY(core.host().runs(id, 1000, 0)))
      if (run.status == agents::RunStatus::running || run.status == agents::RunStatus::pending)
        if (auto ended = core.host().cancel(context, run.id);
            !ended && ended.error().code() != Code::conflict)
          return ended.error();
    TRY(core.host().remove_thread(id));
  }
  TRY(core.crons().remove_of_thread(context, id));
  return core.notes().remove_thread(context, id);
}

Result<agents::AgentPtr> agent_of(Core& core, const ThreadView& thread) {
  std::string name = thread.agent;
  // Not begun: a client may have said what it is for.
  if (name.empty() && thread.metadata.at("graph_id").is_text())
    name = thread.metadata.at("graph_id").text();
  if (name.empty())
    return fail(Code::not_found, "Thread {} has no assistant yet; its first run brings one",
                thread.id);
  return core.host().loaded_agent(name);
}

Result<Lineage> lineage_of(Core& core, const ThreadView& thread) {
  static const agents::Agent nobody;
  if (thread.agent.empty()) return Lineage(nobody, thread.id, {});
  auto history = core.runtime().history(thread.id);
  if (!history && history.error().code() == Code::not_found) return Lineage(nobody, thread.id, {});
  if (!history) return history.error();
  const agents::AgentPtr agent = TRY(agent_of(core, thread));
  return Lineage(*agent, thread.id, *history);
}

Result<std::vector<agents::Event>> events_of(Core& core, const ThreadView& thread) {
  auto events = core.runtime().events(thread.id, 0);
  if (!events && events.error().code() == Code::not_found) return std::vector<agents::Event>();
  return events;
}

std::set<std::string> open_interrupts(Core& core, const std::string& thread) {
  std::set<std::string> open;
  const auto state = core.host().state(thread);
  if (state && state->at("interrupts").is_list())
    for (const Value& interrupt : state->at("interrupts").items())
      open.insert(agents::in_words(interrupt.at("id")));
  return open;
}

Result<Value> thread_json(Core& core, const ThreadView& thread,
                          const std::vector<std::string>& select) {
  const auto wants = [&](std::string_view name) {
    return select.empty() || std::find(select.begin(), select.end(), name) != select.end();
  };
  Value made = Value::map();
  const auto put = [&](const char* name, Value value) {
    if (wants(name)) made.put(name, std::move(value));
  };
  put("thread_id", thread.id);
  put("created_at", time_text(thread.created_ms));
  put("updated_at", time_text(thread.updated_ms));
  put("state_updated_at", time_text(thread.updated_ms));
  put("metadata", thread.metadata);
  put("status", thread.status);
  put("config", Value::map());
  Value values;
  if (!thread.agent.empty() && wants("values"))
    if (const auto state = core.host().state(thread.id)) {
      const auto agent = agent_of(core, thread);
      values = agent ? state_out(**agent, state->at("state")) : state->at("state");
    }
  put("values", std::move(values));
  Value error;
  if (wants("error"))
    if (const auto failed = failure_of(core, thread))
      error = Value::map({{"error", failed->error->kind}, {"message", failed->error->message}});
  put("error", std::move(error));
  Value interrupts = Value::map();
  if (thread.status == "interrupted" && wants("interrupts"))
    if (const auto lineage = lineage_of(core, thread)) interrupts = interrupts_of(*lineage);
  put("interrupts", std::move(interrupts));
  return made;
}

Result<Value> state_json(Core& core, const ThreadView& thread, const Lineage& lineage,
                         const Lineage::Point* point) {
  if (point == nullptr) {
    Value nothing = Value::map({{"values", Value::map()}, {"next", Value::list()}});
    nothing.put("tasks", Value::list());
    for (const char* name : {"metadata", "created_at", "checkpoint", "parent_checkpoint"})
      nothing.put(name, Value());
    nothing.put("interrupts", Value::list());
    nothing.put("checkpoint_id", Value());
    nothing.put("parent_checkpoint_id", Value());
    return nothing;
  }
  Value metadata = thread.metadata;
  metadata.put("graph_id", thread.agent);
  metadata.put("assistant_id", metadata.at("assistant_id").is_text()
                                   ? metadata.at("assistant_id")
                                   : Value(uuid_of_name(thread.agent)));
  metadata.put("thread_id", thread.id);
  if (point->source != "update") metadata.put("run_id", point->run);
  metadata.put("source", point->source);
  metadata.put("step", point->number);
  metadata.put("parents", Value::map());
  Value next = Value::list(), interrupts = Value::list();
  for (const std::string& name : point->next) next.push(node_name(name));
  for (const agents::Interrupt& one : point->interrupts)
    interrupts.push(Value::map({{"id", one.id}, {"value", one.value}}));
  const bool is_newest = point == lineage.newest();
  return Value::map(
      {{"values", point->values},
       {"next", next},
       {"tasks", tasks_of(lineage, *point, is_newest ? failure_of(core, thread) : std::nullopt)},
       {"metadata", metadata},
       {"created_at", time_text(point->time_ms)},
       {"checkpoint", checkpoint_json(thread.id, point->id)},
       {"parent_checkpoint", checkpoint_json(thread.id, point->parent)},
       {"interrupts", interrupts},
       {"checkpoint_id", point->id},
       {"parent_checkpoint_id", point->parent.empty() ? Value() : Value(point->parent)}});
}

}  // namespace slipway::langgraph::detail
