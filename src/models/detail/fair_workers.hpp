// Texts of several requests on a few threads, a text each in turn.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/context.hpp"
#include "models/detail/fair_queue.hpp"

namespace slipway::models::detail {

/// One model's threads. However many requests run, no more texts are computed at once than it has
/// threads, and callers (`Context::caller()`) get equal shares of them; so do requests of one
/// caller. Safe to use from many threads.
class FairWorkers {
 public:
  /// `threads` >= 1; they start when they are first needed.
  explicit FairWorkers(std::size_t threads) : threads_max_(threads) {}
  ~FairWorkers();
  FairWorkers(const FairWorkers&) = delete;
  FairWorkers& operator=(const FairWorkers&) = delete;

  using Body = std::function<Result<void>(std::size_t)>;
  /// `body(0) .. body(count - 1)`, begun in that order; waits until all are done. After the first
  /// error, or when the context ends, no more are begun, and what runs is waited for; that error is
  /// returned. An exception of `body` becomes `internal`. Not to be called from a body.
  Result<void> run(const Context& context, std::size_t count, const Body& body);

 private:
  struct Batch {
    const Context& context;
    const Body& body;
    const std::size_t count;
    std::size_t next = 0;
    std::size_t running = 0;
    bool is_waiting = false;  ///< In the queue.
    std::optional<Error> error;
  };

  bool start_threads();
  void work();
  void work_on(Batch& batch, std::unique_lock<std::mutex>& lock);
  void take_out(Batch& batch);

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable_any has_done_;
  FairQueue<Batch*> waiting_;
  std::size_t running_ = 0;
  bool is_closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace slipway::models::detail
