// A bounded pool: few threads, a queue with a limit, work that can say that it failed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway {

/// Threads that run jobs in the order in which they came: none at first, more when jobs would wait.
/// Safe to use from many threads. The destructor finishes what is queued, then joins.
class Pool {
 public:
  struct Options {
    std::size_t threads = 0;     ///< At most; 0 means one per core.
    std::size_t queue_max = 64;  ///< Jobs waiting; `submit` blocks and `try_submit` refuses beyond.
  };
  explicit Pool(Options options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Waits for room. A job must not throw; one that does ends the process (it is a bug).
  void submit(std::function<void()> job);
  /// Fails: unavailable when the queue is full.
  Result<void> try_submit(std::function<void()> job);
  /// At most.
  std::size_t threads() const { return threads_max_; }

 private:
  void push(std::function<void()> job);
  void work();

  const std::size_t threads_max_, queue_max_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable has_work_;
  std::condition_variable has_room_;
  std::deque<std::function<void()>> queue_;
  bool closing_ = false;
  std::size_t idle_ = 0;  ///< Threads that wait for work.
  std::vector<std::thread> threads_;
};

/// The number of cores that this process may use, at least 1.
std::size_t core_count();

/// Runs `body(0) .. body(count - 1)` on up to `threads` threads (the caller's is one of them) and
/// waits. Stops handing out numbers at the first error or when the context ends; that error is
/// returned. An exception of `body` becomes `internal`.
Result<void> parallel_for(const Context& context, std::size_t count, std::size_t threads,
                          const std::function<Result<void>(std::size_t)>& body);

}  // namespace slipway
