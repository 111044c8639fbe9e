#include "trace/evaluation_queue.hpp"

#include "core/log.hpp"

namespace slipway::trace {

EvaluationQueue::EvaluationQueue(Options options)
    : options_(std::move(options)),
      queue_({.runs_max = options_.runs_max, .patience = options_.patience}) {}

EvaluationQueue::~EvaluationQueue() { stop(); }

void EvaluationQueue::stop() {
  std::call_once(begun_, [] {});  // Who never began does not begin now.
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void EvaluationQueue::offer(const RunPatch& run) {
  if (run.project == evaluators_project || !options_.rules.has_any()) return;
  // A server without rules has no thread for them.
  std::call_once(begun_, [this] {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  });
  if (!queue_.offer(run)) ++dropped_;
}

EvaluationQueue::Counters EvaluationQueue::counters() const {
  return {written_, dropped_, queue_.waiting()};
}

void EvaluationQueue::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    for (const auto& entry : queue_.take(stop, 1)) {
      const Context context = Context(stop).with_timeout(options_.call_timeout);
      const auto count = options_.rules.apply(context, entry.run_id, entry.trace_id);
      if (count) {
        written_ += static_cast<std::uint64_t>(*count);
        continue;
      }
      ++dropped_;
      if (!stop.stop_requested())
        log::warning("run {} is not judged: {}", entry.run_id, count.error().message());
    }
  }
}

}  // namespace slipway::trace
