#include "trace/evaluation_queue.hpp"

#include "core/log.hpp"

namespace slipway::trace {

EvaluationQueue::EvaluationQueue(Options options)
    : options_(std::move(options)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

EvaluationQueue::~EvaluationQueue() { stop(); }

void EvaluationQueue::stop() {
  thread_.request_stop();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EvaluationQueue::offer(const RunPatch& run) {
  if (!run.end || run.id.empty() || run.project == evaluators_project || !options_.rules.has_any())
    return;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.runs_max) {
      ++dropped_;
      return;
    }
    if (!known_.insert(run.trace_id + '\n' + run.id).second) return;
    queue_.push_back({std::chrono::steady_clock::now() + options_.patience, run.id, run.trace_id});
  }
  changed_.notify_one();
}

EvaluationQueue::Counters EvaluationQueue::counters() const {
  const std::lock_guard lock(mutex_);
  return {written_, dropped_, queue_.size()};
}

void EvaluationQueue::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (queue_.empty()) {
      changed_.wait(lock, stop, [this] { return !queue_.empty(); });
      continue;
    }
    const auto due = queue_.front().due;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, stop, due, [] { return false; });
      continue;
    }
    const Entry entry = std::move(queue_.front());
    queue_.pop_front();
    known_.erase(entry.trace_id + '\n' + entry.run_id);
    lock.unlock();
    const Context context = Context(stop).with_timeout(options_.call_timeout);
    const auto count = options_.rules.apply(context, entry.run_id, entry.trace_id);
    if (count) {
      written_ += static_cast<std::uint64_t>(*count);
    } else {
      ++dropped_;
      if (!stop.stop_requested())
        log::warning("run {} is not judged: {}", entry.run_id, count.error().message());
    }
    lock.lock();
  }
}

}  // namespace slipway::trace
