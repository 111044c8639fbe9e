// Runs that have ended and wait to be judged, and the thread that has them judged.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "trace/detail/ended_runs.hpp"
#include "trace/evaluators.hpp"

namespace slipway::trace {

/// Safe to use from many threads. What waits is lost when the program ends.
class EvaluationQueue {
 public:
  struct Options {
    Rules& rules;  ///< Must outlive it.
    std::size_t runs_max = 100'000;
    /// How long a run is left alone after it ended: its other pieces may be on their way.
    std::chrono::milliseconds patience{2'000};
    std::chrono::milliseconds call_timeout{120'000};  ///< Of all rules for one run.
  };
  explicit EvaluationQueue(Options options);
  /// Ends what is being judged.
  ~EvaluationQueue();
  EvaluationQueue(const EvaluationQueue&) = delete;
  EvaluationQueue& operator=(const EvaluationQueue&) = delete;

  /// Ends what is being judged, and judges nothing more: whoever is asked may go then.
  void stop();
  /// Of what is about to be stored: never waits. `trace_id` may be empty.
  void offer(const RunPatch& run);

  struct Counters {
    std::uint64_t written = 0;  ///< Feedback.
    std::uint64_t dropped = 0;  ///< Runs: too many waited, or the database could not be asked.
    std::size_t waiting = 0;
  };
  Counters counters() const;

 private:
  void work(const std::stop_token& stop);

  const Options options_;
  detail::EndedRuns queue_;
  std::atomic<std::uint64_t> written_{0}, dropped_{0};
  std::once_flag begun_;
  std::jthread thread_;  // Last: it uses all above.
};

}  // namespace slipway::trace
