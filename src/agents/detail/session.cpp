#include "agents/detail/session.hpp"

#include <charconv>
#include <condition_variable>

#include "agents/detail/go_to.hpp"

namespace slipway::agents::detail {

namespace {

std::int64_t now_ms(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch())
      .count();
}

/// Of what is worked. The machine's clock may be set, so its steady one is asked instead.
std::function<std::int64_t()> work_timer(const Clock& clock) {
  if (&clock != &system_clock()) return [&clock] { return now_ms(clock); };
  return [] {
    return std::chrono::duration_cast<Milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
}

void collect_paused(const Scope& scope, std::vector<Value>& out) {
  if (scope.is_paused) out.emplace_back(scope.address);
  const auto of_task = [&](const Task& task) {
    if (task.child) collect_paused(*task.child, out);
    for (const auto& [call, tool] : task.tool_scopes) collect_paused(*tool, out);
  };
  for (const auto& task : scope.open) {
    of_task(*task);
    for (const auto& item : task->items)
      if (item) of_task(*item);
  }
}

}  // namespace

Outcome<std::vector<Write>> read_writes(const Agent& agent, const Value& values,
                                        const std::vector<std::size_t>* allowed,
                                        std::string_view seed) {
  if (!values.is_map())
    return Failure{"input", fmt::format("a map of keys is expected, not {}", kind_name(values))};
  std::vector<Write> writes;
  for (const auto& [name, item] : values.entries().items) {
    const auto key = agent.key(name);
    const bool is_allowed =
        key &&
        (allowed == nullptr || std::find(allowed->begin(), allowed->end(), *key) != allowed->end());
    if (!is_allowed) {
      std::vector<std::string_view> known;
      for (std::size_t i = 0; i < agent.keys.size(); ++i)
        if (allowed == nullptr || std::find(allowed->begin(), allowed->end(), i) != allowed->end())
          known.push_back(agent.keys[i].name);
      const std::string_view near = json::nearest(name, known);
      return Failure{
          "input", near.empty() ? fmt::format("'{}' is no input of agent '{}'", name, agent.name)
                                : fmt::format("'{}' is no input of agent '{}'; did you mean '{}'?",
                                              name, agent.name, near)};
    }
    Write write{static_cast<std::uint32_t>(*key), item};
    SLIPWAY_GET(prepare_write(agent.keys[*key], write.value, seed));
    writes.push_back(std::move(write));
  }
  return writes;
}

std::string checkpoint_name(std::uint64_t id) { return id == 0 ? "" : fmt::format("c{}", id); }

std::uint64_t checkpoint_id(std::string_view name) {
  std::uint64_t id = 0;
  if (name.size() < 2 || name[0] != 'c') return 0;
  const auto parsed = std::from_chars(name.data() + 1, name.data() + name.size(), id);
  return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() ? id : 0;
}

Interrupt to_interrupt(const OpenQuestion& question) {
  return {.id = question.id,
          .node = question.node,
          .path = question.path,
          .kind = question.kind,
          .value = question.value,
          .expires_ms = question.expires_ms};
}

Session::Session(Options options)
    : options_(std::move(options)),
      watch_(options_.on_event ? std::make_unique<Watch>(options_.thread, options_.on_event,
                                                         *options_.services.clock, options_.place)
                               : nullptr),
      recorder_(options_.thread, watch_.get(), *options_.services.clock) {}

Outcome<bool> Session::note_resume(const std::string& kind, const std::string& name) {
  Value record = Value::map(
      {{"k", kind}, {"run", options_.thread.run}, {"time", now_ms(*options_.services.clock)}});
  if (!name.empty()) record.put("name", name);
  if (auto written = recorder_.append(record, false); !written)
    return storage_failure(written.error());
  if (!name.empty()) options_.thread.resumed_as = name;
  if (kind == "resume") options_.thread.count_anew();
  return true;
}

Outcome<bool> Session::begin_run(const AgentPtr& agent, const Value& input, const std::string& run,
                                 const std::optional<Budget>& budget) {
  Thread& thread = options_.thread;
  auto writes = SLIPWAY_GET(read_writes(*agent, input, &agent->input, run));
  thread.use(agent);
  Scope& root = *thread.root;
  // An order of keys that is the file's, not the input's: reducers of other keys do not care.
  std::vector<Undo> undo;
  for (const Write& write : writes)
    if (auto applied = apply_write(*agent, root.state, write, &undo); !applied) {
      take_back(root.state, undo);
      return std::move(applied.failure());
    }
  root.open.clear();
  root.next.clear();
  root.deferred.clear();
  for (auto& join : root.seen) join.assign(join.size(), false);
  root.step = 0;
  root.is_paused = false;
  thread.run = run;
  thread.purse = std::make_unique<Purse>(budget.value_or(agent->budget));
  thread.count_anew();
  thread.end = {};
  const Services& services = options_.services;
  Engine engine({.context = options_.context,
                 .services = services,
                 .recorder = recorder_,
                 .purse = *thread.purse});
  auto begun = engine.begin(root);
  thread.has_begun = begun.ok();
  Value record = Value::map({{"k", "run"},
                             {"run", run},
                             {"branch", thread.branch},
                             {"agent", agent->hash},
                             {"time", now_ms(*services.clock)},
                             {"budget", encode_budget(thread.purse->budget())},
                             {"input", encode_writes(*agent, writes)}});
  put_taints(record.at("input"), record);
  if (begun) encode_position(root, record);
  auto number = recorder_.append(record, false, &root, [&](std::uint64_t at) {
    thread.checkpoints.push_back({.id = at, .parent = thread.head, .run = run, .source = "input"});
    thread.head = at;
  });
  if (!number) return storage_failure(number.error());
  if (!begun) {
    thread.end.errors = {std::move(begun.failure())};
    thread.end.error_nodes = {"START"};
  }
  return true;
}

Outcome<std::vector<GivenAnswer>> check_answers(Thread& thread, const ResumeOptions& resume,
                                                std::int64_t now_ms) {
  std::vector<std::pair<std::string, Value>> answers = resume.answers;
  if (resume.answer) {
    std::vector<const OpenQuestion*> open;
    collect_questions(*thread.root, open);
    if (open.size() != 1)
      return Failure{"answer", fmt::format("{} questions wait, so the answer must name the one it "
                                           "is of: ID=JSON",
                                           open.size())};
    answers.emplace_back(open.front()->id, *resume.answer);
  }
  std::vector<GivenAnswer> checked;
  for (const auto& [id, value] : answers) {
    const Asker asker = find_question(*thread.root, id);
    if (asker.task == nullptr)
      return Failure{"answer", fmt::format("'{}' is no open question of thread '{}': it was never "
                                           "asked, is answered, or is over",
                                           id, thread.id)};
    const std::int64_t expires = asker.question->expires_ms;
    if (expires > 0 && now_ms >= expires)
      return Failure{"answer", fmt::format("the time to answer '{}' is over", id)};
    for (const auto& other : checked)
      if (other.first.question == asker.question)
        return Failure{"answer", fmt::format("'{}' is answered twice", id)};
    checked.emplace_back(
        asker, SLIPWAY_GET(check_answer(*asker.scope->agent, *asker.task, *asker.question, value)));
  }
  return checked;
}

Outcome<bool> Session::take_answers(const ResumeOptions& resume) {
  Thread& thread = options_.thread;
  auto checked = SLIPWAY_GET(check_answers(thread, resume, now_ms(*options_.services.clock)));
  for (auto& [asker, given] : checked) {
    Value record = Value::map({{"k", "answer"},
                               {"at", asker.scope->address},
                               {"step", asker.scope->step + 1},
                               {"ord", asker.ordinal},
                               {"node", asker.scope->agent->nodes[asker.task->node].label},
                               {"id", asker.question->id},
                               {"token", given.token},
                               {"value", given.value},
                               {"by", resume.answered_by},
                               {"time", now_ms(*options_.services.clock)}});
    if (asker.item >= 0) record.put("item", asker.item);
    if (given.adds) record.put("add", encode_usage(given.add));
    if (auto written = recorder_.append(record, false); !written)
      return storage_failure(written.error());
    const std::string token = given.token;
    given.task->answers[token] = std::move(given.value);
    if (given.adds)
      purse_of_question(*thread.purse, *asker.scope, *asker.task, token).add_limit(given.add);
    std::erase_if(given.task->questions,
                  [&](const OpenQuestion& question) { return question.token == token; });
  }
  return true;
}

Outcome<bool> Session::fork(const ResumeOptions& resume) {
  Thread& thread = options_.thread;
  const std::uint64_t id = checkpoint_id(resume.checkpoint);
  const auto at = std::find_if(thread.checkpoints.begin(), thread.checkpoints.end(),
                               [&](const Checkpoint& c) { return c.id == id; });
  if (id == 0 || at == thread.checkpoints.end())
    return Failure{"checkpoint", fmt::format("thread '{}' has no checkpoint '{}'; `agent history` "
                                             "lists them",
                                             thread.id, resume.checkpoint)};
  const bool goes_elsewhere = !resume.go_to.empty();
  if (goes_elsewhere ? !resume.as.empty() : resume.set.has_value() == resume.as.empty())
    return Failure{"input",
                   "values to set and the node that they are set as go together; values "
                   "with nodes to go to have none"};
  std::optional<std::uint32_t> as;
  if (!resume.as.empty() && resume.as != "START") {
    as = thread.agent->node(resume.as);
    if (!as) return Failure{"input", fmt::format("'{}' is no node of the agent", resume.as)};
  }
  auto records = thread.log->read();
  if (!records) return storage_failure(records.error());
  Thread past(thread.id);
  past.use(thread.agent);
  Restorer restorer(past);
  for (std::uint64_t number = 1; number <= id && number <= records->size(); ++number)
    restorer.apply((*records)[number - 1], number);
  std::vector<Write> writes;
  if (resume.set)
    writes = SLIPWAY_GET(read_writes(*thread.agent, *resume.set, nullptr,
                                     fmt::format("{}/{}", thread.run, resume.checkpoint)));
  Scope& before = *past.root;
  for (const Write& write : writes) SLIPWAY_GET(apply_write(*thread.agent, before.state, write));
  Engine engine({.context = options_.context,
                 .services = options_.services,
                 .recorder = recorder_,
                 .purse = *thread.purse});
  if (resume.set && !goes_elsewhere) {
    auto followed = as ? engine.continue_from(before, *as) : engine.begin(before);
    if (!followed) return std::move(followed.failure());
  }
  if (auto added = add_ready(*thread.agent, resume.go_to, before); !added)
    return std::move(added.failure());
  Value record = Value::map({{"k", "fork"},
                             {"from", id},
                             {"run", at->run},
                             {"time", now_ms(*options_.services.clock)},
                             {"branch", thread.branch + 1},
                             {"step", before.step},
                             {"state", state_names(*thread.agent, before.state)}});
  put_taints(record.at("state"), record);
  if (!resume.as.empty()) record.put("as", resume.as);
  encode_position(before, record);
  auto number = recorder_.append(record, false);
  if (!number) return storage_failure(number.error());
  Restorer(thread).apply(record, *number);
  return true;
}

void Session::note(const Scope& scope, const std::vector<std::unique_ptr<Task>>& tasks) {
  if (!options_.trace || !scope.address.empty()) return;
  TraceStep step{.step = scope.step,
                 .checkpoint = checkpoint(),
                 .state = state_value(*scope.agent, scope.state)};
  for (const auto& task : tasks)
    step.tasks.push_back({.node = scope.agent->nodes[task->node].name,
                          .index = task->index,
                          .attempt = task->attempts,
                          .writes = encode_writes(*scope.agent, task->writes)});
  trace_.push_back(std::move(step));
}

std::string Session::checkpoint() const { return checkpoint_name(options_.thread.head); }

/// False: the run was ended meanwhile.
bool Session::wait_for_timer() {
  const Context& context = options_.context;
  const std::int64_t wake = wake_of(*options_.thread.root);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  constexpr std::int64_t look_again_ms = 1000;  // The wall clock may be set.
  const std::int64_t pause =
      std::clamp<std::int64_t>(wake - now_ms(*options_.services.clock), 1, look_again_ms);
  never.wait_for(lock, context.stop(), Milliseconds(pause), [] { return false; });
  return context.check().ok();
}

void Session::go_on() {
  Thread& thread = options_.thread;
  Scope& root = *thread.root;
  if (!thread.end.errors.empty() && !thread.has_begun && thread.end.status.empty()) {
    status_ = Status::failed;
    thread.end.status = "failed";
    write_end();
    return;
  }
  Listener listener;
  if (options_.trace)
    listener.step_finished = [this](const Scope& scope, const auto& tasks) { note(scope, tasks); };
  if (watch_) {
    listener.step_started = [this](const Scope& scope) { watch_->step_started(scope); };
    listener.task_started = [this](const Place& place, const Task& task) {
      watch_->task_started(place, task);
    };
    listener.token = [this](const Place& place, const Task& task, const std::string& call,
                            std::string_view text) { watch_->token(place, task, call, text); };
    listener.emitted = [this](const Place& place, const Task& task, const Value& value) {
      watch_->emitted(place, task, value);
    };
    listener.model_called = [this](const std::string& key, const ModelCall& call) {
      watch_->model_called(key, call);
    };
  }
  Engine engine({.context = options_.context,
                 .services = options_.services,
                 .recorder = recorder_,
                 .purse = *thread.purse,
                 .thread = thread.id,
                 .run = thread.run,
                 .branch = thread.branch,
                 .steps_max = options_.steps.value_or(thread.agent->limits.steps),
                 .pause_before = {options_.pause_before.begin(), options_.pause_before.end()},
                 .pause_after = {options_.pause_after.begin(), options_.pause_after.end()},
                 .listener = options_.trace || watch_ ? &listener : nullptr,
                 .place = options_.place,
                 .recorded = options_.recorded,
                 .worked_ms_max = thread.limits_from_ms + thread.agent->limits.wall.count()});
  const int steps_before = root.steps_now;
  thread.end = {};
  if (!thread.has_begun) {
    auto begun = engine.begin(root);
    thread.has_begun = begun.ok();
    if (!begun) {
      root.errors = {std::move(begun.failure())};
      root.error_nodes = {"START"};
      finish(End::failed, engine);
      return;
    }
  }
  for (const auto& task : root.open) {
    if (task->state == TaskState::failed && !task->is_handled) task->state = TaskState::ready;
    if (task->state == TaskState::cut) task->is_continued = true;
  }
  End end = work(engine);
  while (end == End::waiting && options_.waits && wait_for_timer()) end = work(engine);
  steps_made_ = root.steps_now - steps_before;
  if (end == End::waiting && !options_.waits) {
    // Not an end: what waits is in the log already.
    is_waiting_ = true;
    status_ = Status::interrupted;
    if (auto synced = thread.log->sync(); !synced) fail_with(synced.error());
    return;
  }
  finish(end, engine);
}

/// From one stand to the next. What hangs is ended when the time of the run is over.
End Session::work(Engine& engine) {
  Thread& thread = options_.thread;
  const std::int64_t left =
      thread.limits_from_ms + thread.agent->limits.wall.count() - thread.purse->worked_ms();
  engine.use(options_.context.with_timeout(Milliseconds(std::max<std::int64_t>(left, 0))));
  thread.purse->begin_work(work_timer(*options_.services.clock));
  const End end = engine.run(*thread.root);
  thread.purse->end_work();
  return end;
}

void Session::finish(End end, Engine& engine) {
  Thread& thread = options_.thread;
  missing_ = engine.missing();
  if (end == End::cut) {
    thread.end.is_finished_early = true;
    end = engine.run_finish_node(*thread.root);
    if (end == End::cut) end = End::done;
  }
  switch (end) {
    case End::done:
    case End::cut: status_ = Status::done; break;
    case End::failed: status_ = Status::failed; break;
    case End::stopped: status_ = Status::interrupted; break;
    case End::waiting:
    case End::broken: status_ = Status::cancelled; break;
  }
  if (end == End::failed) {
    thread.end.errors = thread.root->errors;
    thread.end.error_nodes = thread.root->error_nodes;
  }
  if (end == End::broken && engine.broken() && engine.broken()->code() != Code::cancelled) {
    status_ = Status::failed;
    const bool is_wall =
        engine.broken()->code() == Code::deadline_exceeded && options_.context.check().ok();
    thread.end.errors = {is_wall ? Engine::wall_failure() : storage_failure(*engine.broken())};
    thread.end.error_nodes = {""};
  }
  thread.end.status = std::string(json::name(status_));
  write_end();
}

void Session::fail_with(const Error& error) {
  status_ = Status::failed;
  is_waiting_ = false;
  options_.thread.is_stale = options_.thread.is_durable;
  options_.thread.end.errors = {storage_failure(error)};
  options_.thread.end.error_nodes = {""};
}

void Session::write_end() {
  Thread& thread = options_.thread;
  Value record = Value::map({{"k", "end"},
                             {"run", thread.run},
                             {"status", thread.end.status},
                             {"time", now_ms(*options_.services.clock)},
                             {"peak", thread.purse->peak()}});
  recorder_.put_time(record);
  if (thread.end.is_finished_early) record.put("early", true);
  std::vector<Value> errors;
  for (std::size_t i = 0; i < thread.end.errors.size(); ++i)
    errors.push_back(Value::map({{"kind", thread.end.errors[i].kind},
                                 {"message", thread.end.errors[i].message},
                                 {"node", thread.end.error_nodes[i]}}));
  if (!errors.empty()) record.put("errors", Value::list(std::move(errors)));
  std::vector<Value> paused;
  collect_paused(*thread.root, paused);
  if (!paused.empty()) record.put("paused", Value::list(std::move(paused)));
  // What is answered must not be forgotten, whatever happens to the machine.
  if (auto written = recorder_.append(record, true); !written) fail_with(written.error());
}

RunResult result_of(const Thread& thread, Status status) {
  const Scope& root = *thread.root;
  const Usage used = thread.purse->settled();
  RunResult result{.thread = thread.id,
                   .run = thread.run,
                   .status = status,
                   .state = state_value(*thread.agent, root.state),
                   .output = output_value(*thread.agent, root.state),
                   .tokens = used.tokens,
                   .calls = used.calls,
                   .reserved_peak = thread.purse->peak(),
                   .usd = used.usd,
                   .is_finished_early = thread.end.is_finished_early,
                   .checkpoint = checkpoint_name(thread.head),
                   .wake_ms = wake_of(root)};
  for (std::size_t i = 0; i < thread.end.errors.size(); ++i)
    result.errors.push_back({.kind = thread.end.errors[i].kind,
                             .message = thread.end.errors[i].message,
                             .node = thread.end.error_nodes[i]});
  if (!result.errors.empty()) result.error = result.errors.front();
  std::vector<const OpenQuestion*> open;
  collect_questions(root, open);
  for (const OpenQuestion* question : open) result.interrupts.push_back(to_interrupt(*question));
  return result;
}

RunResult Session::result() {
  RunResult result = result_of(options_.thread, status_);
  result.is_waiting = is_waiting_;
  result.steps_made = steps_made_;
  if (options_.trace) {
    result.steps = std::move(trace_);
    Value starts = Value::map();
    options_.thread.counts->collect(*options_.thread.agent, "", starts);
    result.starts = std::move(starts);
  }
  return result;
}

}  // namespace slipway::agents::detail
