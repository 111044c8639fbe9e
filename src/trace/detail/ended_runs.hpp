// Runs that have ended and wait for somebody to look at them: evaluators, exporters.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "trace/run.hpp"

namespace slipway::trace::detail {

/// Safe to use from many threads.
class EndedRuns {
 public:
  struct Entry {
    std::chrono::steady_clock::time_point due;
    std::string run_id, trace_id;
  };
  struct Options {
    std::size_t runs_max = 100'000;
    /// How long a run is left alone after it ended: its other pieces may be on their way.
    std::chrono::milliseconds patience{2'000};
  };
  explicit EndedRuns(Options options) : options_(options) {}

  /// Of what is about to be stored: never waits. False: it has ended, and there was no room for it.
  bool offer(const RunPatch& run);
  /// Those that are due, `most` at most, the oldest first; waits until there is one. None: the
  /// token was told to stop.
  std::vector<Entry> take(const std::stop_token& stop, std::size_t most);
  std::size_t waiting() const;

 private:
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Entry> queue_;
  std::unordered_set<std::string> known_;  ///< Those in the queue.
};

}  // namespace slipway::trace::detail
