// Runs that wait for a time: neither a thread of the system nor a slot, only an entry in a list.
#include <algorithm>

#include "agents/detail/own_host.hpp"
#include "core/log.hpp"

namespace slipway::agents::detail {

namespace {
constexpr std::chrono::milliseconds look_again{100};  ///< The wall clock may be set.
constexpr std::int64_t try_again_ms = 1000;           ///< After what the disk did not do.
}  // namespace

void OwnHost::set_timer(std::int64_t wake_ms, const std::string& thread, std::string run) {
  drop_timers(thread);
  timers_.emplace(wake_ms, thread);
  timer_of_[thread] = {.wake_ms = wake_ms, .run = std::move(run)};
  begin_to_watch();
}

void OwnHost::begin_to_watch() {
  if (!timer_.joinable() && !is_closing_) timer_ = std::thread([this] { watch_time(); });
  has_timer_.notify_all();
}

/// The end of a run that the disk did not take: it is over all the same, and told so.
void OwnHost::keep_later(RunRow row) {
  const std::string id = row.info.id;
  unkept_[id] = std::move(row);
  keep_again_ms_ = now_ms() + try_again_ms;
  begin_to_watch();
}

/// With the lock held all along, so that none is written over what was accepted meanwhile; what a
/// disk that is full still costs is an error.
void OwnHost::keep_unkept() {
  while (!unkept_.empty() && store_->put_run(unkept_.begin()->second).ok())
    unkept_.erase(unkept_.begin());
  keep_again_ms_ = now_ms() + try_again_ms;
}

void OwnHost::drop_timers(const std::string& thread) {
  const auto found = timer_of_.find(thread);
  if (found == timer_of_.end()) return;
  timers_.erase({found->second.wake_ms, thread});
  timer_of_.erase(found);
}

std::string OwnHost::run_asleep(const std::string& thread) const {
  const auto found = timer_of_.find(thread);
  return found == timer_of_.end() ? std::string() : found->second.run;
}

/// It stands at a timer: no worker has it until its time has come.
void OwnHost::wait_for_time(const SlotPtr& slot, const JobPtr& job, const RunResult& result) {
  job->row.wake_ms = result.wake_ms;
  job->may_have_begun = true;
  RunRow row = job->row;
  const auto kept = store_->put_run(row);
  if (!kept) log::warning("agents: run {}: {}", row.info.id, kept.error().message());
  const std::lock_guard lock(mutex_);
  job->is_running = false;
  job->is_wake = true;
  if (job->stop.stop_requested() && !is_closing_) return make_ready(slot);
  job->is_timed = true;
  job->may_sleep = kept.ok();
  set_timer(result.wake_ms, slot->thread);
}

void OwnHost::watch_time() {
  Lock lock(mutex_);
  while (!is_closing_) {
    if (timers_.empty() && unkept_.empty()) {
      has_timer_.wait(lock);
      continue;
    }
    if (!unkept_.empty() && keep_again_ms_ <= now_ms()) keep_unkept();
    const std::int64_t next = timers_.empty() ? keep_again_ms_ : timers_.begin()->first;
    const std::int64_t wait_ms = next - now_ms();
    if (wait_ms > 0) {
      has_timer_.wait_for(lock, std::min(look_again, std::chrono::milliseconds(wait_ms)));
      continue;
    }
    if (!timers_.empty()) wake(std::string(timers_.begin()->second), lock);
  }
}

/// A timer's run goes on; one that waits for an answer learns that nobody came.
void OwnHost::wake(const std::string& thread, Lock& lock) {
  const auto found = slot_of(thread, lock);
  // Somebody may have stopped it meanwhile, or gone on with it.
  const auto timer = timer_of_.find(thread);
  if (timer == timer_of_.end() || timer->second.wake_ms > now_ms()) return;
  if (!found) {
    log::warning("agents: thread {}: {}", thread, found.error().message());
    return set_timer(now_ms() + try_again_ms, thread, timer->second.run);
  }
  drop_timers(thread);
  const SlotPtr& slot = *found;
  if (slot->active && slot->active->is_timed) {
    slot->active->is_timed = false;
    return make_ready(slot);
  }
  if (slot->active || !slot->queue.empty() || slot->is_starting) return;
  slot->is_starting = true;
  lock.unlock();
  auto rows = store_->runs(thread, 1, 0);
  lock.lock();
  slot->is_starting = false;
  tell(*slot);
  if (!rows) {
    log::warning("agents: thread {}: {}", thread, rows.error().message());
    return set_timer(now_ms() + try_again_ms, thread);
  }
  if (rows->empty() || rows->front().info.status != RunStatus::interrupted) return;
  slot->queue.push_back(job_of(std::move(rows->front())));
  ++pending_;
  activate_next(slot);
}

/// Of a run that is gone on with.
JobPtr OwnHost::job_of(RunRow row) {
  auto job = std::make_shared<Job>();
  job->row = std::move(row);
  job->start = decode_job(job->row.job);
  job->is_wake = job->may_have_begun = job->has_first = true;
  return job;
}

}  // namespace slipway::agents::detail
