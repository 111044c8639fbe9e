// Things to do later, without a thread for each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace slipway::gateway::detail {

/// Safe to use from many threads.
class Timers {
 public:
  using Id = std::uint64_t;
  virtual ~Timers() = default;
  /// Calls `job` once, on a thread of its own for all; it must be quick.
  virtual Id after(std::chrono::milliseconds delay, std::function<void()> job) = 0;
  /// True when the job has not run and never will.
  virtual bool cancel(Id id) = 0;
};

/// One thread. The destructor forgets what has not come yet.
std::unique_ptr<Timers> make_timers();

/// Run by a test.
class FakeTimers final : public Timers {
 public:
  Id after(std::chrono::milliseconds delay, std::function<void()> job) override;
  bool cancel(Id id) override;
  /// Runs what is due until `by` from now, in order.
  void advance(std::chrono::milliseconds by);
  /// The delay of the next job; nothing when there is none.
  std::chrono::milliseconds next() const;
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::chrono::milliseconds now_{0};
  std::map<std::pair<std::chrono::milliseconds, Id>, std::function<void()>> jobs_;
  Id last_ = 0;
};

}  // namespace slipway::gateway::detail
