// What stands in the logs of threads.
#include <algorithm>

#include "agents/detail/conversation.hpp"
#include "agents/detail/own_runtime.hpp"
#include "agents/detail/replay.hpp"

namespace slipway::agents::detail {

namespace {

Value state_of(const Thread& thread) {
  const Scope& root = *thread.root;
  std::vector<const OpenQuestion*> open;
  collect_questions(root, open);
  std::vector<Value> interrupts, next;
  for (const OpenQuestion* question : open) interrupts.push_back(to_interrupt(*question).json());
  const auto name_of = [&](std::uint32_t node, std::int32_t index) {
    const std::string& name = thread.agent->nodes[node].name;
    return Value(index < 0 ? name : fmt::format("{}[{}]", name, index));
  };
  for (const auto& task : root.open)
    if (task->state != TaskState::done) next.push_back(name_of(task->node, task->index));
  for (const Ready& ready : root.next) next.push_back(name_of(ready.node, ready.index));
  Value value = Value::map({{"agent", thread.agent->name},
                            {"run", thread.run},
                            {"step", root.step},
                            {"state", state_value(*thread.agent, root.state)},
                            {"output", output_value(*thread.agent, root.state)},
                            {"next", Value::list(std::move(next))},
                            {"checkpoint", checkpoint_name(thread.head)},
                            {"interrupts", Value::list(std::move(interrupts))}});
  put_taints(value.at("state"), value, "tainted");
  if (!thread.checkpoints.empty())
    for (const Checkpoint& at : thread.checkpoints)
      if (at.id == thread.head) value.put("parent", checkpoint_name(at.parent));
  if (const std::int64_t wake = wake_of(root); wake > 0) value.put("wakes_ms", wake);
  if (thread.purse) {
    Value usage = usage_value(thread.purse->settled());
    usage.put("reserved_peak", thread.purse->peak());
    value.put("usage", std::move(usage));
    value.put("budget", Value::map({{"limits", encode_budget(thread.purse->limits())},
                                    {"left", thread.purse->left()}}));
  }
  return value;
}

Result<std::unique_ptr<ThreadLog>> copy_log(ThreadStore& store, const Thread& thread,
                                            const std::vector<Value>& records,
                                            const std::string& to) {
  auto log = TRY(store.open_log(to, Durability::step, true));
  if (thread.agent) TRY(store.keep_agent(to, thread.agent));
  for (const Value& record : records) TRY(log->append(record, false));
  TRY(log->sync());
  return log;
}

/// What somebody said to a question of a run, and who.
Value given_answer(const std::string& run, const Value& record) {
  const std::string token = in_words(record.at("token"));
  Value given = Value::map({{"id", record.at("id")},
                            {"run", run},
                            {"node", record.at("node")},
                            {"kind", token.substr(0, token.find(':'))},
                            {"answer", record.at("value")}});
  if (record.at("by") != Value("")) given.put("by", record.at("by"));
  if (record.at("time").is_integer())
    given.put("time", format_time(Clock::Time(Milliseconds(record.at("time").integer()))));
  return given;
}

Result<AgentPtr> agent_for_log(const Thread& thread) {
  const std::lock_guard lock(thread.agent_mutex);
  if (thread.agent) return thread.agent;
  return fail(Code::not_found, "thread '{}' has no run yet", thread.id);
}

}  // namespace

Result<std::vector<HistoryEntry>> OwnRuntime::history(const std::string& id) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::vector<Value> records = TRY(thread->log->read());
  std::vector<HistoryEntry> entries;
  Thread past(id);
  past.use(TRY(agent_for_log(*thread)));
  Restorer restorer(past);
  std::uint64_t number = 0;
  std::int64_t time_ms = 0;
  for (const Value& record : records) {
    restorer.apply(record, ++number);
    if (record.at("time").is_integer()) time_ms = record.at("time").integer();
    const bool is_checkpoint = past.head == number && !past.checkpoints.empty();
    if (is_checkpoint) {
      const Checkpoint& at = past.checkpoints.back();
      entries.push_back({.checkpoint = checkpoint_name(at.id),
                         .parent = checkpoint_name(at.parent),
                         .run = at.run,
                         .source = at.source,
                         .step = at.step,
                         .state = state_value(*past.agent, past.root->state),
                         .time_ms = time_ms});
      for (const Ready& ready : past.root->next)
        entries.back().next.push_back(
            ready.index < 0
                ? past.agent->nodes[ready.node].name
                : fmt::format("{}[{}]", past.agent->nodes[ready.node].name, ready.index));
    } else if (!entries.empty()) {
      // What was asked after the newest checkpoint.
      std::vector<const OpenQuestion*> open;
      collect_questions(*past.root, open);
      entries.back().interrupts.clear();
      for (const auto* question : open)
        entries.back().interrupts.push_back(to_interrupt(*question));
    }
  }
  std::reverse(entries.begin(), entries.end());
  return entries;
}

Result<Value> OwnRuntime::ledger(const std::string& id) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::vector<Value> records = TRY(thread->log->read());
  std::vector<Value> rows, answers;
  std::map<std::string, std::size_t> places;
  std::string run;
  const auto add = [&](const Value& node, const Value& call) {
    Value row = Value::map({{"key", call.at("key")},
                            {"run", run},
                            {"node", node},
                            {call.at("model") == Value(true) ? "model" : "tool", call.at("tool")},
                            {"args_hash", call.at("hash")},
                            {"state", call.at("state")},
                            {"attempt", call.at("att")}});
    if (detail::sums_up(call)) row.put("summary", true);
    if (call.find("effect") != nullptr) row.put("effect", call.at("effect"));
    if (call.find("args") != nullptr) row.put("args", call.at("args"));
    if (call.find("ta") != nullptr) row.put("args_tainted", call.at("ta"));
    if (call.find("result") != nullptr) row.put("result", call.at("result"));
    if (call.find("tr") != nullptr) row.put("result_tainted", call.at("tr"));
    if (call.find("failure") != nullptr) row.put("failure", call.at("failure").items().back());
    const Usage used = decode_usage(call.at("used"));
    row.put("tokens", used.tokens);
    row.put("usd", used.usd);
    if (call.find("spent") != nullptr) row.put("spent", call.at("spent"));
    const auto [place, is_new] = places.emplace(in_words(call.at("key")), rows.size());
    if (is_new)
      rows.push_back(std::move(row));
    else
      rows[place->second] = std::move(row);
  };
  for (const Value& record : records) {
    if (record.find("run") != nullptr) run = in_words(record.at("run"));
    if (record.at("k") == Value("answer")) answers.push_back(given_answer(run, record));
    if (record.find("c") != nullptr) add(record.at("node"), record.at("c"));
    if (record.at("calls").is_list())
      for (const Value& call : record.at("calls").items()) add(record.at("node"), call);
    if (record.at("tasks").is_list())
      for (const Value& task : record.at("tasks").items())
        if (task.at("calls").is_list())
          for (const Value& call : task.at("calls").items()) add(task.at("n"), call);
  }
  const Usage used = thread->purse ? thread->purse->settled() : Usage();
  return Value::map(
      {{"thread", id},
       {"rows", Value::list(std::move(rows))},
       {"answers", Value::list(std::move(answers))},
       {"budget",
        Value::map(
            {{"limits", thread->purse ? encode_budget(thread->purse->limits()) : Value::map()},
             {"settled",
              Value::map({{"tokens", used.tokens}, {"usd", used.usd}, {"calls", used.calls}})}})}});
}

Result<Value> OwnRuntime::replay(const Context& context, const std::string& run,
                                 const AgentPtr& agent) {
  const std::string id = TRY(store_->thread_of_run(run));
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const AgentPtr original = TRY(agent_for_log(*thread));
  auto records = TRY(thread->log->read());
  return replay_run({.context = context,
                     .services = services_,
                     .original = original,
                     .agent = agent != nullptr ? agent : original,
                     .records = std::move(records),
                     .run = run});
}

/// Replays the log beside the thread itself, which may be running.
Result<std::vector<Event>> OwnRuntime::events(const std::string& id, std::uint64_t record) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::vector<Value> records = TRY(thread->log->read());
  Thread past(id);
  past.use(TRY(agent_for_log(*thread)));
  Restorer restorer(past);
  EventMaker maker;
  std::vector<Event> all;
  std::int64_t time_ms = 0;
  std::uint64_t number = 0;
  for (const Value& each : records) {
    restorer.apply(each, ++number);
    for (const char* key : {"time", "t"})
      if (each.at(key).is_integer()) time_ms = each.at(key).integer();
    std::vector<Event> events;
    maker.of_record(each, restorer.find_scope(in_words(each.at("at"))), past, events);
    if (number <= record) continue;
    std::uint64_t event_id = first_event_of(number);
    for (Event& event : events) {
      event.id = event_id++;
      event.run = past.run;
      event.time_ms = time_ms;
      all.push_back(std::move(event));
    }
  }
  return all;
}

Result<void> OwnRuntime::check_input(const AgentPtr& agent, const Value& input) {
  auto read = read_writes(*agent, input, &agent->input, "");
  if (!read) return fail(Code::invalid_argument, "input: {}", read.failure().message);
  return {};
}

Result<void> OwnRuntime::check_resume(const std::string& id, const ResumeOptions& options) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::unique_lock running(thread->running, std::try_to_lock);
  if (!running) return {};  // It is checked when its turn has come.
  if (!thread->purse) return fail(Code::conflict, "thread '{}' has no run yet", id);
  if (auto checked = check_answers(*thread, options, now_ms()); !checked)
    return fail(Code::invalid_argument, "{}", checked.failure().message);
  const std::uint64_t at = checkpoint_id(options.checkpoint);
  const bool is_there = std::any_of(thread->checkpoints.begin(), thread->checkpoints.end(),
                                    [&](const Checkpoint& c) { return c.id == at; });
  if (!options.checkpoint.empty() && !is_there)
    return fail(Code::not_found, "thread '{}' has no checkpoint '{}'", id, options.checkpoint);
  const bool is_node =
      options.as.empty() || options.as == "START" || thread->agent->node(options.as).has_value();
  if (!is_node)
    return fail(Code::invalid_argument, "'{}' is no node of agent '{}'", options.as,
                thread->agent->name);
  if (!options.set) return {};
  if (auto read = read_writes(*thread->agent, *options.set, nullptr, ""); !read)
    return fail(Code::invalid_argument, "set: {}", read.failure().message);
  return {};
}

Result<std::uint64_t> OwnRuntime::records(const std::string& id) {
  return TRY(find_thread(id, Durability::step, nullptr))->log->size();
}

Result<Value> OwnRuntime::state(const std::string& id) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  if (const std::unique_lock lock(thread->running, std::try_to_lock); lock) {
    TRY(agent_for_log(*thread));  // Its first run may have been refused.
    return state_of(*thread);
  }
  Thread past(id);
  past.use(TRY(agent_for_log(*thread)));
  restore(past, TRY(thread->log->read()));
  return state_of(past);
}

Result<RunResult> OwnRuntime::result(const std::string& id, std::uint64_t records) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  std::vector<Value> all = TRY(thread->log->read());
  if (records < all.size()) all.resize(records);
  Thread past(id);
  past.use(TRY(agent_for_log(*thread)));
  restore(past, all);
  if (!past.purse) return fail(Code::not_found, "thread '{}' had no run then", id);
  const auto status = json::from<Status>(json::Value(boost::json::string(past.end.status)));
  return result_of(past, status ? *status : Status::cancelled);
}

Result<AgentPtr> OwnRuntime::agent(const std::string& id) {
  return agent_for_log(*TRY(find_thread(id, Durability::step, nullptr)));
}

Result<void> OwnRuntime::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = threads_.find(id);
  if (found != threads_.end()) {
    if (const std::unique_lock running(found->second->running, std::try_to_lock); !running)
      return fail(Code::conflict, "thread '{}' is running; cancel it first", id);
    threads_.erase(found);
  }
  return store_->remove(id);
}

Result<void> OwnRuntime::copy(const std::string& id, const std::string& to) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::unique_lock running(thread->running, std::try_to_lock);
  if (!running) return fail(Code::conflict, "thread '{}' is running; wait for it", id);
  if (find_thread(to, Durability::step, nullptr).ok())
    return fail(Code::conflict, "there is a thread '{}' already", to);
  const std::vector<Value> records = TRY(thread->log->read());
  auto log = copy_log(*store_, *thread, records, to);
  if (!log) {
    (void)store_->remove(to);  // Half a thread is none.
    return log.error();
  }
  auto made = std::make_shared<Thread>(to);
  made->log = *std::move(log);
  made->is_durable = store_->is_durable();
  if (thread->agent) {
    made->use(thread->agent);
    restore(*made, records);
  }
  const std::lock_guard lock(mutex_);
  threads_.emplace(to, std::move(made));
  return {};
}

Result<void> OwnRuntime::undo(const std::string& id, std::uint64_t records) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::unique_lock running(thread->running, std::try_to_lock);
  if (!running) return fail(Code::conflict, "thread '{}' is running; cancel it first", id);
  TRY(thread->log->undo(records));
  if (!thread->agent) return {};
  Thread fresh(id);
  fresh.use(thread->agent);
  restore(fresh, TRY(thread->log->read()));
  thread->take(std::move(fresh));
  return {};
}

}  // namespace slipway::agents::detail
