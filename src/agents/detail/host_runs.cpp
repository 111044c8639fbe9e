// Runs: accepted, queued, done by workers, stopped, waited for.
#include <algorithm>

#include "agents/detail/own_host.hpp"
#include "core/log.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t results_max = 8;  ///< Kept of a thread, for who waits.

RunStatus status_of(const RunResult& result) {
  switch (result.status) {
    case Status::done: return RunStatus::done;
    case Status::failed: return RunStatus::failed;
    case Status::interrupted: return RunStatus::interrupted;
    case Status::cancelled: break;
  }
  return RunStatus::cancelled;
}

bool is_over(RunStatus status) {
  return status != RunStatus::pending && status != RunStatus::running;
}

RunResult result_of_row(const RunRow& row) {
  RunResult result{
      .thread = row.info.thread, .run = row.info.id, .state = Value::map(), .output = Value::map()};
  if (auto status =
          json::from<Status>(json::Value(boost::json::string(json::name(row.info.status)))))
    result.status = *status;
  const auto error = parse_json(row.error);
  if (error && error->is_map())
    result.errors = {{.kind = in_words(error->at("kind")),
                      .message = in_words(error->at("message")),
                      .node = in_words(error->at("node"))}};
  if (!result.errors.empty()) result.error = result.errors.front();
  return result;
}

RunResult refused_result(const RunRow& row, Failure failure) {
  RunResult result{.thread = row.info.thread,
                   .run = row.info.id,
                   .status = Status::failed,
                   .state = Value::map(),
                   .output = Value::map()};
  result.error = RunError{.kind = std::move(failure.kind), .message = std::move(failure.message)};
  result.errors = {*result.error};
  result.is_refused = true;
  return result;
}

}  // namespace

/// Of a resume that may have been taken before a crash: those that are still asked for.
void OwnHost::keep_open_answers(const std::string& thread, ResumeOptions& resume) {
  const auto state = options_.runtime.state(thread);
  if (!state || !state->at("interrupts").is_list()) return;
  std::set<std::string> open;
  for (const Value& interrupt : state->at("interrupts").items())
    open.insert(in_words(interrupt.at("id")));
  std::erase_if(resume.answers, [&](const auto& answer) { return !open.contains(answer.first); });
  if (open.size() != 1) resume.answer.reset();
}

void OwnHost::tell(Slot& slot) {
  ++slot.changes;
  slot.changed.notify_all();
}

JobPtr OwnHost::find_job(const Slot& slot, const std::string& run) const {
  if (slot.active && slot.active->row.info.id == run) return slot.active;
  for (const JobPtr& job : slot.queue)
    if (job->row.info.id == run) return job;
  return nullptr;
}

void OwnHost::make_ready(const SlotPtr& slot) {
  ready_.push_back(slot);
  // A server whose agents rest has no threads for them.
  const auto workers_max = static_cast<std::size_t>(std::max(1, options_.workers));
  if (ready_.size() > idle_workers_ && workers_.size() < workers_max && !is_closing_)
    workers_.emplace_back([this] { work(); });
  has_ready_.notify_one();
}

void OwnHost::activate_next(const SlotPtr& slot) {
  if (slot->active || slot->queue.empty()) return;
  slot->active = std::move(slot->queue.front());
  slot->queue.pop_front();
  --pending_;
  drop_timers(slot->thread);
  make_ready(slot);
}

// Starting

Result<JobPtr> OwnHost::prepare(StartRun start) {
  auto job = std::make_shared<Job>();
  RunRow& row = job->row;
  row.info.metadata = start.metadata;
  row.info.created_ms = row.info.updated_ms = now_ms();
  std::string thread = start.thread.empty() ? start.options.thread : start.thread;
  std::string agent = start.agent;
  if (thread.empty()) {
    if (start.resume) return fail(Code::invalid_argument, "a run that goes on needs its thread");
    if (agent.empty()) return fail(Code::invalid_argument, "a run needs an agent");
    TRY(this->agent(agent));
    thread = TRY(create_thread(agent, "", start.metadata)).id;
  } else if (const auto info = this->thread(thread)) {
    if (agent.empty()) agent = info->agent;
  } else if (info.error().code() == Code::not_found && !agent.empty() && !start.resume) {
    TRY(create_thread(agent, thread, {}));
  } else {
    return info.error();
  }
  row.info.thread = thread;
  row.info.agent = agent;
  start.thread = start.options.thread = thread;
  if (start.resume) {
    TRY(options_.runtime.check_resume(thread, *start.resume));
    const Value state = TRY(options_.runtime.state(thread));
    row.root = in_words(state.at("run"));
    row.info.id = start.options.run.empty() ? row.root : start.options.run;
  } else {
    auto loaded = loaded_agent(agent);
    // A thread of the command line knows its agent itself.
    if (!loaded && loaded.error().code() == Code::not_found)
      if (auto own = options_.runtime.agent(thread); own && start.agent.empty())
        loaded = std::move(own);
    job->agent = TRY(std::move(loaded));
    if (start.input.is_null()) start.input = Value::map();
    TRY(options_.runtime.check_input(job->agent, start.input));
    row.info.id = start.options.run.empty() ? make_id("run", options_.clock, options_.random)
                                            : start.options.run;
  }
  const auto known = store_->run(row.info.id);
  if (known && (!start.resume || known->info.thread != thread || row.info.id != row.root))
    return fail(Code::conflict, "there is a run '{}' already", row.info.id);
  if (known) {
    job->before = known->info.status;
    row.first = known->first;
    job->has_first = true;
    row.info.created_ms = known->info.created_ms;
    // What goes on with it is known by this time: never that of what went on before.
    row.info.updated_ms = std::max(row.info.updated_ms, known->info.updated_ms + 1);
    if (row.info.metadata.empty()) row.info.metadata = known->info.metadata;
    start.origin = decode_job(known->job).origin;
  }
  if (start.origin) start.origin->key = start.caller;
  row.job = encode_job(start);
  job->start = std::move(start);
  return job;
}

Result<void> OwnHost::admit(const Slot& slot, Multitask multitask, const std::string& run) const {
  if (find_job(slot, run))
    return fail(Code::conflict, "run '{}' goes on already; wait for it or cancel it", run);
  const bool is_busy = slot.active || !slot.queue.empty() || slot.is_starting;
  if (is_busy && multitask == Multitask::reject)
    return fail(Code::conflict,
                "thread '{}' is running; wait for it, cancel it, or say what to do (multitask: "
                "enqueue, interrupt, rollback)",
                slot.thread);
  if (pending_ >= options_.pending_max)
    return fail(Code::unavailable, "{} runs wait already; try again later", pending_);
  return {};
}

Result<RunInfo> OwnHost::start(StartRun start) {
  const Multitask multitask = start.multitask;
  const JobPtr job = TRY(prepare(std::move(start)));
  Lock lock(mutex_);
  if (is_closing_) return fail(Code::unavailable, "the host ends");
  const SlotPtr slot = TRY(slot_of(job->row.info.thread, lock));
  // Others may be accepting a run of the thread just now.
  if (multitask != Multitask::reject)
    slot->changed.wait(lock, [&] { return !slot->is_starting || is_closing_; });
  TRY(admit(*slot, multitask, job->row.info.id));
  slot->is_starting = true;
  make_room(slot, multitask, lock);
  lock.unlock();
  const auto kept = store_->put_run(job->row);
  lock.lock();
  slot->is_starting = false;
  tell(*slot);
  if (!kept) return kept.error();
  unkept_.erase(job->row.info.id);
  slot->queue.push_back(job);
  ++pending_;
  activate_next(slot);
  return job->row.info;
}

/// What runs is stopped, what waits is dropped, if that is wanted.
void OwnHost::make_room(const SlotPtr& slot, Multitask multitask, Lock& lock) {
  if (multitask != Multitask::interrupt && multitask != Multitask::rollback) return;
  std::deque<JobPtr> dropped = std::move(slot->queue);
  slot->queue.clear();
  pending_ -= dropped.size();
  if (slot->active) stop_job(slot, slot->active, multitask == Multitask::rollback);
  lock.unlock();
  for (const JobPtr& job : dropped) {
    job->row.info.status = RunStatus::cancelled;
    job->row.info.updated_ms = std::max(now_ms(), job->row.info.updated_ms);
    if (const auto kept = store_->put_run(job->row); !kept)
      log::warning("agents: run {}: {}", job->row.info.id, kept.error().message());
  }
  lock.lock();
}

void OwnHost::stop_job(const SlotPtr& slot, const JobPtr& job, bool rollback) {
  job->rolls_back = job->rolls_back || rollback;
  job->stop.request_stop();
  if (!job->is_timed) return;
  // A worker writes its end.
  job->is_timed = false;
  drop_timers(slot->thread);
  make_ready(slot);
}

// Running

void OwnHost::work() {
  Lock lock(mutex_);
  for (;;) {
    ++idle_workers_;
    has_ready_.wait(lock, [&] { return is_closing_ || !ready_.empty(); });
    --idle_workers_;
    if (is_closing_) return;
    const SlotPtr slot = std::move(ready_.front());
    ready_.pop_front();
    const JobPtr job = slot->active;
    if (!job || job->is_running) continue;
    job->is_running = true;
    job->row.info.status = RunStatus::running;
    lock.unlock();
    RunResult result = do_job(slot, job);
    if (result.is_waiting)
      wait_for_time(slot, job, result);
    else
      end_job(slot, job, std::move(result));
    lock.lock();
  }
}

RunResult OwnHost::do_job(const SlotPtr& slot, const JobPtr& job) {
  RunRow& row = job->row;
  if (!job->has_first)
    if (const auto records = options_.runtime.records(slot->thread)) row.first = *records;
  job->has_first = true;
  EventSink sink = [this, slot, run = row.info.id](Event event) {
    deliver(slot, run, std::move(event));
  };
  const Context context = Context(job->stop.get_token()).with_caller(job->start.caller);
  auto place = std::make_shared<RunPlace>();
  place->run = row.info.id;
  if (job->start.origin) place->origin = *job->start.origin;
  if (job->start.resume || job->is_wake) {
    ResumeOptions resume;
    if (job->start.resume) resume = *job->start.resume;
    resume.waits = false;
    resume.on_event = std::move(sink);
    resume.place = std::move(place);
    resume.is_wake = job->is_wake;
    resume.name = fmt::format("{}@{}", row.info.id, row.info.updated_ms);
    if (!job->start.resume) resume.steps = job->start.options.steps;
    if (job->may_have_begun) keep_open_answers(slot->thread, resume);
    return options_.runtime.resume(context, slot->thread, resume);
  }
  AgentPtr agent = job->agent;
  if (!agent) {
    auto loaded = loaded_agent(row.info.agent);
    if (!loaded) loaded = options_.runtime.agent(slot->thread);
    if (!loaded) return refused_result(row, failure_of(loaded.error()));
    agent = *std::move(loaded);
  }
  RunOptions options = job->start.options;
  options.thread = slot->thread;
  options.run = row.info.id;
  options.waits = false;
  options.on_event = std::move(sink);
  options.place = std::move(place);
  options.may_have_begun = job->may_have_begun;
  return options_.runtime.run(context, agent, job->start.input, options);
}

void OwnHost::end_job(const SlotPtr& slot, const JobPtr& job, RunResult result) {
  result.run = job->row.info.id;
  {
    const std::lock_guard lock(mutex_);
    // What the end of the process stopped goes on with the next one.
    if (is_closing_ && result.status == Status::cancelled) return;
  }
  RunRow row = job->row;  // Who asks meanwhile is told that it runs.
  row.info.status = result.is_refused && row.info.id == row.root ? job->before : status_of(result);
  row.info.updated_ms = std::max(now_ms(), row.info.updated_ms);
  row.wake_ms = result.status == Status::interrupted ? result.wake_ms : 0;
  row.error =
      result.is_refused && result.error
          ? dump(Value::map({{"kind", result.error->kind}, {"message", result.error->message}}))
          : "";
  if (const auto records = options_.runtime.records(slot->thread)) row.last = *records;
  auto kept = store_->put_run(row);
  if (kept && job->rolls_back) take_back(job);
  if (!kept) log::warning("agents: run {}: {}", row.info.id, kept.error().message());
  const std::lock_guard lock(mutex_);
  if (row.wake_ms > 0 && !job->rolls_back) set_timer(row.wake_ms, slot->thread);
  if (!kept) keep_later(row);
  if (slot->results.size() >= results_max) slot->results.erase(slot->results.begin());
  slot->results[row.info.id] = std::move(result);
  job->row = std::move(row);
  slot->active = nullptr;
  activate_next(slot);
  tell(*slot);
}

// Asking

Result<RunInfo> OwnHost::run(const std::string& id) {
  RunInfo info = TRY(store_->run(id)).info;
  const std::lock_guard lock(mutex_);
  if (const auto found = slots_.find(info.thread); found != slots_.end())
    if (const JobPtr job = find_job(*found->second, id)) return job->row.info;
  if (const auto found = unkept_.find(id); found != unkept_.end()) return found->second.info;
  return info;
}

Result<RunResult> OwnHost::result(const std::string& id) {
  const RunRow row = TRY(store_->run(id));
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(row.info.thread);
    if (run_asleep(row.info.thread) == id ||
        (found != slots_.end() && find_job(*found->second, id)))
      return fail(Code::conflict, "run '{}' is not over; wait for it", id);
    if (found != slots_.end())
      if (const auto kept = found->second->results.find(id); kept != found->second->results.end())
        return kept->second;
  }
  if (!row.error.empty() || row.last <= row.first) return result_of_row(row);
  RunResult result = TRY(options_.runtime.result(row.info.thread, row.last));
  result.run = id;
  return result;
}

Result<RunResult> OwnHost::wait(const Context& context, const std::string& id) {
  const RunRow row = TRY(store_->run(id));
  Lock lock(mutex_);
  const SlotPtr slot = TRY(slot_of(row.info.thread, lock));
  while (find_job(*slot, id)) {
    TRY(context.check());
    if (is_closing_) return fail(Code::unavailable, "the host ends");
    await(*slot, lock, context);
  }
  if (const auto kept = slot->results.find(id); kept != slot->results.end()) return kept->second;
  lock.unlock();
  return result(id);
}

Result<std::vector<RunInfo>> OwnHost::runs(const std::string& thread, int limit, int offset) {
  std::vector<RunInfo> list;
  for (RunRow& row : TRY(store_->runs(thread, limit, offset))) list.push_back(std::move(row.info));
  const std::lock_guard lock(mutex_);
  if (const auto found = slots_.find(thread); found != slots_.end())
    for (RunInfo& info : list)
      if (const JobPtr job = find_job(*found->second, info.id)) info = job->row.info;
  return list;
}

Result<RunInfo> OwnHost::cancel(const Context& context, const std::string& id, bool rollback) {
  RunRow row = TRY(store_->run(id));
  Lock lock(mutex_);
  const SlotPtr slot = TRY(slot_of(row.info.thread, lock));
  JobPtr job = find_job(*slot, id);
  if (!job && row.info.status == RunStatus::interrupted && !slot->active && slot->queue.empty()) {
    // Nobody answers any more: its end is written like that of one that runs.
    job = job_of(row);
    slot->queue.push_back(job);
    ++pending_;
    activate_next(slot);
  }
  if (!job) {
    lock.unlock();
    if (rollback && is_over(row.info.status)) {
      auto of_row = std::make_shared<Job>();
      of_row->row = row;
      take_back(of_row);
    }
    return row.info;
  }
  if (slot->active == job) {
    stop_job(slot, job, rollback);
  } else {
    std::erase(slot->queue, job);
    --pending_;
    job->row.info.status = RunStatus::cancelled;
    job->row.info.updated_ms = std::max(now_ms(), job->row.info.updated_ms);
    tell(*slot);
    lock.unlock();
    TRY(rollback ? store_->remove_run(id) : store_->put_run(job->row));
    return job->row.info;
  }
  while (find_job(*slot, id)) {
    TRY(context.check());
    if (is_closing_) return fail(Code::unavailable, "the host ends");
    await(*slot, lock, context);
  }
  return job->row.info;
}

Result<void> OwnHost::remove_run(const std::string& id) {
  const RunRow row = TRY(store_->run(id));
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(row.info.thread);
    if (run_asleep(row.info.thread) == id ||
        (found != slots_.end() && find_job(*found->second, id)))
      return fail(Code::conflict, "run '{}' is not over; cancel it first", id);
  }
  return store_->remove_run(id);
}

}  // namespace slipway::agents::detail
