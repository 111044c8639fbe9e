#include "trace/detail/ended_runs.hpp"

namespace slipway::trace::detail {

bool EndedRuns::offer(const RunPatch& run) {
  if (!run.end || run.id.empty()) return true;
  const std::string key = run.trace_id + "/" + run.id;
  const std::lock_guard lock(mutex_);
  if (known_.contains(key)) return true;
  if (queue_.size() >= options_.runs_max) return false;
  known_.insert(key);
  queue_.push_back({std::chrono::steady_clock::now() + options_.patience, run.id, run.trace_id});
  if (queue_.size() == 1) changed_.notify_one();
  return true;
}

std::vector<EndedRuns::Entry> EndedRuns::take(const std::stop_token& stop, std::size_t most) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); })) return {};
  // Nobody takes but the caller, so what is first stays first.
  changed_.wait_until(lock, stop, queue_.front().due, [] { return false; });
  if (stop.stop_requested()) return {};
  std::vector<Entry> due;
  const auto now = std::chrono::steady_clock::now();
  while (!queue_.empty() && due.size() < most && queue_.front().due <= now) {
    known_.erase(queue_.front().trace_id + "/" + queue_.front().run_id);
    due.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return due;
}

std::size_t EndedRuns::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace slipway::trace::detail
