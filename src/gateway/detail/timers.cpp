#include "gateway/detail/timers.hpp"

#include <algorithm>

namespace slipway::gateway::detail {

namespace {

using Steady = std::chrono::steady_clock;

class ThreadTimers final : public Timers {
 public:
  Id after(std::chrono::milliseconds delay, std::function<void()> job) override {
    const std::lock_guard lock(mutex_);
    const Id id = ++last_;
    jobs_.emplace(std::pair(Steady::now() + delay, id), std::move(job));
    if (!thread_.joinable())  // A gateway without failures needs none.
      thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    changed_.notify_one();
    return id;
  }

  bool cancel(Id id) override {
    const std::lock_guard lock(mutex_);
    // Few wait at any time: retries, and calls that queue.
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](const auto& job) { return job.first.second == id; });
    if (found == jobs_.end()) return false;
    jobs_.erase(found);
    return true;
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (jobs_.empty()) {
        changed_.wait(lock, stop, [this] { return !jobs_.empty(); });
        continue;
      }
      const auto due = jobs_.begin()->first;
      if (Steady::now() < due.first) {
        changed_.wait_until(lock, stop, due.first,
                            [&] { return jobs_.empty() || jobs_.begin()->first != due; });
        continue;
      }
      const auto job = std::move(jobs_.begin()->second);
      jobs_.erase(jobs_.begin());
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::pair<Steady::time_point, Id>, std::function<void()>> jobs_;
  Id last_ = 0;
  std::jthread thread_;  // Last: it uses all above.
};

}  // namespace

std::unique_ptr<Timers> make_timers() { return std::make_unique<ThreadTimers>(); }

Timers::Id FakeTimers::after(std::chrono::milliseconds delay, std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  const Id id = ++last_;
  jobs_.emplace(std::pair(now_ + delay, id), std::move(job));
  return id;
}

bool FakeTimers::cancel(Id id) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(jobs_, [&](const auto& job) { return job.first.second == id; }) > 0;
}

void FakeTimers::advance(std::chrono::milliseconds by) {
  std::unique_lock lock(mutex_);
  const auto until = now_ + by;
  while (!jobs_.empty() && jobs_.begin()->first.first <= until) {
    now_ = jobs_.begin()->first.first;
    const auto job = std::move(jobs_.begin()->second);
    jobs_.erase(jobs_.begin());
    lock.unlock();
    job();
    lock.lock();
  }
  now_ = until;
}

std::chrono::milliseconds FakeTimers::next() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() ? std::chrono::milliseconds(-1) : jobs_.begin()->first.first - now_;
}

std::size_t FakeTimers::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

}  // namespace slipway::gateway::detail
