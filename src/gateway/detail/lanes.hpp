// The threads that wait for models which run here, and the queue in front of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "gateway/detail/timers.hpp"

namespace slipway::gateway::detail {

/// Safe to use from many threads. Callers take turns: who sends a hundred calls does not keep
/// another's one waiting behind them all.
class Lanes {
 public:
  struct Options {
    std::size_t threads = 8;
    std::size_t queue_max = 256;
    std::chrono::milliseconds wait{30'000};
  };
  /// `timers` must outlive it.
  Lanes(Options options, Timers& timers);
  /// Lets running jobs end; what waits is told that it is too late.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// One of the two is called, once, unless this fails: `run` on a lane, or `late` (anywhere) when
  /// no lane was free in time. Fails: unavailable, when the queue is full.
  Result<void> submit(const std::string& caller, std::function<void()> run,
                      std::function<void()> late);
  std::size_t waiting() const;

 private:
  struct Job {
    std::function<void()> run, late;
    Timers::Id timer = 0;
    std::uint64_t id = 0;
  };
  void work(const std::stop_token& stop);
  void give_up(std::uint64_t id);

  const Options options_;
  Timers& timers_;
  mutable std::mutex mutex_;
  std::condition_variable_any has_work_;
  std::map<std::string, std::deque<Job>> queues_;  ///< By caller; none is empty.
  std::deque<std::string> turns_;                  ///< Callers that wait, next first.
  std::size_t waiting_ = 0, idle_ = 0;
  std::uint64_t last_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace slipway::gateway::detail
