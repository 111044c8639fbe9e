#include "langgraph/detail/runs.hpp"

#include <algorithm>

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view start_node = "__start__", end_node = "__end__";

/// The answers of a command: by id where its keys are the ids of what waits, else of the only one.
Result<void> read_answers(Core& core, const std::string& thread, const Value& resume,
                          agents::ResumeOptions& options) {
  if (resume.is_null()) return {};
  const std::set<std::string> open = open_interrupts(core, thread);
  const bool is_by_id = resume.is_map() && !resume.entries().items.empty() &&
                        std::all_of(resume.entries().items.begin(), resume.entries().items.end(),
                                    [&](const auto& entry) { return open.contains(entry.first); });
  if (!is_by_id && open.size() > 1)
    return fail(
        Code::invalid_argument,
        "command.resume: {} interrupts wait: give an object that has an answer by id, of {}",
        open.size(), fmt::join(open, ", "));
  if (!is_by_id) {
    options.answer = resume;
    return {};
  }
  for (const auto& [id, answer] : resume.entries().items) options.answers.emplace_back(id, answer);
  return {};
}

/// Nodes that a command names: one, or several; {"node", "input"} are sends of LangGraph.
Result<std::vector<std::string>> targets_of(const agents::Agent& agent, const Value& wanted) {
  std::vector<std::string> nodes;
  const std::vector<Value> list = wanted.is_list()   ? wanted.items()
                                  : wanted.is_null() ? std::vector<Value>()
                                                     : std::vector<Value>{wanted};
  for (const Value& one : list) {
    if (!one.is_text())
      return fail(Code::invalid_argument,
                  "command.goto: names of nodes are expected; a node with an input of its own is "
                  "an edge with 'each'");
    if (one.text() == end_node) continue;
    if (!agent.node(one.text()))
      return fail(Code::invalid_argument, "command.goto: the graph '{}' has no node '{}'",
                  agent.name, one.text());
    nodes.push_back(one.text());
  }
  return nodes;
}

/// Which node wrote the state of a checkpoint: of updates it was noted.
Result<std::string> writer_of(Core& core, const Context& context, const ThreadView& thread,
                              const Lineage& lineage, const Lineage::Point* at) {
  if (at == nullptr) return std::string("START");
  if (at->source == "update")
    for (const RunNote& note : TRY(core.notes().runs(context, thread.id)))
      if (note.kind == "update" && note.body.at("checkpoint") == Value(at->id))
        return agents::in_words(note.body.at("as"));
  const Lineage::Point* before = lineage.find(at->parent);
  if (before != nullptr && before->source == "input") return std::string("START");
  std::set<std::string> nodes;
  if (before != nullptr)
    for (const std::string& name : before->next) nodes.insert(node_name(name));
  if (nodes.size() == 1) return *nodes.begin();
  return fail(Code::unsupported, "Ambiguous update, specify as_node: {}", fmt::join(nodes, ", "));
}

agents::StartRun plain_start(const RunWish& wish, const ThreadView& thread,
                             const std::string& run) {
  agents::StartRun start{.agent = wish.assistant.graph, .thread = thread.id};
  start.options = {.thread = thread.id,
                   .run = run,
                   .durability = wish.durability,
                   .pause_before = wish.pause_before,
                   .pause_after = wish.pause_after,
                   .steps = wish.steps};
  start.multitask = wish.multitask;
  start.caller = wish.caller;
  start.origin = wish.origin;
  json::Object metadata = agents::to_json(wish.metadata).as_object();
  metadata["created_by"] = "system";
  metadata["graph_id"] = wish.assistant.graph;
  metadata["assistant_id"] = wish.assistant.id;
  start.metadata = std::move(metadata);
  return start;
}

Result<void> apply_command(Core& core, const RunWish& wish, const ThreadView& thread,
                           agents::ResumeOptions& resume) {
  const agents::AgentPtr agent = TRY(core.host().loaded_agent(wish.assistant.graph));
  TRY(read_answers(core, thread.id, wish.command.at("resume"), resume));
  resume.go_to = TRY(targets_of(*agent, wish.command.at("goto")));
  if (!wish.command.at("update").is_null())
    resume.set = state_in(*agent, TRY(map_of(wish.command, "update")));
  if (resume.set && resume.go_to.empty() && resume.as.empty() && !resume.answer &&
      resume.answers.empty()) {
    const Lineage lineage = TRY(lineage_of(core, thread));
    resume.as = TRY(writer_of(core, {}, thread, lineage, lineage.newest()));
  }
  return {};
}

}  // namespace

std::string run_path(const agents::RunInfo& run) {
  return fmt::format("/threads/{}/runs/{}", run.thread, run.id);
}

std::string run_status(agents::RunStatus status) {
  switch (status) {
    case agents::RunStatus::pending: return "pending";
    case agents::RunStatus::running: return "running";
    case agents::RunStatus::failed: return "error";
    case agents::RunStatus::cancelled: return "interrupted";
    case agents::RunStatus::done:
    case agents::RunStatus::interrupted:  // Of the thread, not of the run.
      break;
  }
  return "success";
}

Value run_json(const agents::RunInfo& run, const RunNote* note) {
  Value metadata = agents::from_json(run.metadata);
  const Value& known = metadata.at("assistant_id");
  Value made = Value::map({{"run_id", run.id},
                           {"thread_id", run.thread},
                           {"assistant_id", known.is_text() ? known : uuid_of_name(run.agent)},
                           {"metadata", metadata},
                           {"status", run_status(run.status)},
                           {"kwargs", note == nullptr ? Value::map() : note->body},
                           {"multitask_strategy", "enqueue"},
                           {"created_at", time_text(run.created_ms)},
                           {"updated_at", time_text(run.updated_ms)}});
  if (note != nullptr && note->body.at("multitask_strategy").is_text())
    made.put("multitask_strategy", note->body.at("multitask_strategy"));
  return made;
}

Value run_json(const RunNote& note) {
  const agents::RunInfo waiting{.id = note.id,
                                .thread = note.thread,
                                .status = agents::RunStatus::pending,
                                .metadata = {{"assistant_id", note.assistant}},
                                .created_ms = note.created_ms,
                                .updated_ms = note.created_ms};
  return run_json(waiting, &note);
}

Value outcome_json(const agents::Agent& agent, const agents::RunResult& result) {
  if (result.status == agents::Status::failed) {
    Value error = Value::map({{"error", "failed"}, {"message", ""}});
    if (result.error)
      error = Value::map({{"error", result.error->kind}, {"message", result.error->message}});
    return Value::map({{"__error__", error}});
  }
  Value values = result.state.is_map() ? state_out(agent, result.state) : Value::map();
  Value interrupts = Value::list();
  for (const agents::Interrupt& one : result.interrupts)
    interrupts.push(Value::map({{"value", one.value}, {"id", one.id}}));
  if (!interrupts.items().empty()) values.put("__interrupt__", interrupts);
  return values;
}

Result<agents::RunInfo> start_run(Core& core, const RunWish& wish, const ThreadView& thread,
                                  const std::string& run) {
  agents::StartRun start = plain_start(wish, thread, run);
  const std::string checkpoint = Lineage::runtime_id(wish.checkpoint);
  const bool begins = !wish.input.is_null() && checkpoint.empty();
  if (begins) {
    start.input = wish.input;
    return core.host().start(std::move(start));
  }
  agents::ResumeOptions resume{.checkpoint = checkpoint,
                               .pause_before = wish.pause_before,
                               .pause_after = wish.pause_after,
                               .steps = wish.steps};
  if (!wish.input.is_null()) {
    resume.set = wish.input;
    resume.as = "START";
  }
  if (!wish.command.is_null()) TRY(apply_command(core, wish, thread, resume));
  start.resume = std::move(resume);
  return core.host().start(std::move(start));
}

Result<Begun> begin_run(Core& core, const Context& context, const RunWish& wish,
                        const std::string& thread_id) {
  Begun begun{.is_temporary = thread_id.empty() && !wish.is_kept};
  const std::string id = thread_id.empty() ? make_uuid(core.random()) : thread_id;
  if (thread_id.empty() || wish.creates_thread) {
    const bool is_there = !thread_id.empty() && find_thread(core, context, id);
    if (!is_there && !is_uuid(id))
      return fail(Code::invalid_argument, "Invalid thread ID: must be a UUID");
    const std::int64_t now = now_ms(core.clock());
    if (!is_there)
      TRY(core.notes().add_thread(context, {.id = id, .created_ms = now, .updated_ms = now}));
  }
  begun.thread = TRY(find_thread(core, context, id));
  const bool has_input = !wish.input.is_null();
  if (!has_input && (begun.thread.agent.empty() || begun.thread.run.empty()))
    return fail(Code::invalid_argument,
                "input: Received no input for __start__: the thread has no run to go on with");
  begun.agent = TRY(core.host().loaded_agent(wish.assistant.graph));
  TRY(begin_thread(core, begun.thread, wish.assistant.graph));
  TRY(set_metadata(
      core, context, begun.thread,
      Value::map({{"graph_id", wish.assistant.graph}, {"assistant_id", wish.assistant.id}})));
  begun.note = {.id = make_uuid(core.random()),
                .thread = id,
                .assistant = wish.assistant.id,
                .body = wish.body,
                .created_ms = now_ms(core.clock())};
  Value after = Value::map();
  if (!wish.webhook.empty()) after.put("webhook", wish.webhook);
  if (begun.is_temporary) after.put("is_temporary", true);
  if (wish.after_ms > 0 && !wish.caller.empty()) after.put("caller", wish.caller);
  if (!after.entries().items.empty()) begun.note.after = after;
  if (wish.after_ms > 0) {
    begun.note.due_ms = begun.note.created_ms + wish.after_ms;
    begun.run = {.id = begun.note.id, .thread = id, .agent = wish.assistant.graph};
    begun.run.created_ms = begun.run.updated_ms = begun.note.created_ms;
  } else {
    if (const auto records = core.runtime().records(id))
      begun.from = agents::first_event_of(*records + 1) - 1;
    begun.run = TRY(start_run(core, wish, begun.thread, begun.note.id));
    begun.note.id = begun.run.id;
  }
  begun.hold = core.hold(begun.note.id);
  TRY(core.notes().put_run(context, begun.note));
  TRY(core.watch(begun.note));
  return begun;
}

Result<agents::RunInfo> find_run(Core& core, const Context& context, const std::string& thread,
                                 const std::string& run) {
  auto known = core.host().run(run);
  if (known && known->thread == thread) return known;
  if (!known && known.error().code() != Code::not_found &&
      known.error().code() != Code::invalid_argument)
    return known.error();
  if (auto note = TRY(core.notes().run(context, run)); note && note->thread == thread) {
    if (note->due_ms)
      return agents::RunInfo{.id = run,
                             .thread = thread,
                             .metadata = {{"assistant_id", note->assistant}},
                             .created_ms = note->created_ms,
                             .updated_ms = note->created_ms};
  }
  if (!is_uuid(run) && !known) return fail(Code::not_found, "Run '{}' not found", run);
  return fail(Code::not_found, "Run not found");
}

namespace {

Result<agents::RunResult> run_update(Core& core, const Context& context, const ThreadView& thread,
                                     agents::StartRun start) {
  const agents::AgentPtr agent = TRY(agent_of(core, thread));
  for (const agents::Node& node : agent->nodes) start.options.pause_before.push_back(node.name);
  if (start.resume) start.resume->pause_before = start.options.pause_before;
  start.thread = start.options.thread = thread.id;
  start.agent = agent->name;
  start.options.run = make_uuid(core.random());
  start.metadata = {{"created_by", "system"}, {"kind", "update"}};
  const agents::RunInfo run = TRY(core.host().start(std::move(start)));
  TRY(core.notes().put_run(context, {.id = run.id,
                                     .thread = thread.id,
                                     .assistant = uuid_of_name(agent->name),
                                     .kind = "update",
                                     .created_ms = run.created_ms}));
  agents::RunResult result = TRY(core.host().wait(context, run.id));
  if (result.status == agents::Status::failed && result.error)
    return fail(Code::unsupported, "{}", result.error->message);
  return result;
}

}  // namespace

Result<std::string> update_state(Core& core, const Context& context, const ThreadView& thread,
                                 const Update& update) {
  const agents::AgentPtr agent = TRY(agent_of(core, thread));
  const std::string from = Lineage::runtime_id(update.checkpoint);
  const Value values = update.values.is_null() ? Value::map() : state_in(*agent, update.values);
  const Lineage lineage = TRY(lineage_of(core, thread));
  const Lineage::Point* at = from.empty() ? lineage.newest() : lineage.find(from);
  if (!from.empty() && at == nullptr)
    return fail(Code::not_found, "Thread {} has no checkpoint '{}'", thread.id, from);
  std::string node = update.node == start_node ? "START" : update.node;
  if (node.empty()) node = TRY(writer_of(core, context, thread, lineage, at));
  if (node != "START" && !agent->node(node))
    return fail(Code::unsupported, "Node {} does not exist", node);
  if (at == nullptr) TRY(begin_thread(core, thread, agent->name));
  if (at == nullptr || node == "START") {
    agents::StartRun start{.input = node == "START" ? values : Value::map()};
    if (!from.empty())
      start.resume = agents::ResumeOptions{.checkpoint = from, .set = values, .as = "START"};
    const auto begun = TRY(run_update(core, context, thread, std::move(start)));
    if (node == "START") return begun.checkpoint;
  }
  agents::StartRun start;
  start.resume = agents::ResumeOptions{.checkpoint = from, .set = values, .as = node};
  const auto result = TRY(run_update(core, context, thread, std::move(start)));
  TRY(core.notes().put_run(context,
                           {.id = make_uuid(core.random()),
                            .thread = thread.id,
                            .assistant = uuid_of_name(agent->name),
                            .kind = "update",
                            .body = Value::map({{"checkpoint", result.checkpoint}, {"as", node}}),
                            .created_ms = now_ms(core.clock())}));
  return result.checkpoint;
}

}  // namespace slipway::langgraph::detail
