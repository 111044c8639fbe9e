#include "gateway/detail/lanes.hpp"

#include <algorithm>

namespace slipway::gateway::detail {

Lanes::Lanes(Options options, Timers& timers) : options_(options), timers_(timers) {}

Lanes::~Lanes() {
  std::vector<Job> left;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [caller, queue] : queues_)
      for (Job& job : queue) left.push_back(std::move(job));
    queues_.clear();
    turns_.clear();
    waiting_ = 0;
  }
  for (Job& job : left) {
    timers_.cancel(job.timer);
    job.late();
  }
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::jthread& thread : threads) thread.request_stop();
}

Result<void> Lanes::submit(const std::string& caller, std::function<void()> run,
                           std::function<void()> late) {
  const std::lock_guard lock(mutex_);
  if (waiting_ >= options_.queue_max)
    return fail(Code::unavailable, "{} calls wait for local models already", waiting_);
  Job job{std::move(run), std::move(late), 0, ++last_};
  job.timer = timers_.after(options_.wait, [this, id = job.id] { give_up(id); });
  auto& queue = queues_[caller];
  if (queue.empty()) turns_.push_back(caller);
  queue.push_back(std::move(job));
  ++waiting_;
  // Who never asks a local model has no threads for it.
  if (idle_ < waiting_ && threads_.size() < options_.threads)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  has_work_.notify_one();
  return {};
}

std::size_t Lanes::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void Lanes::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto next = [&] {
    ++idle_;
    const bool has_turn = has_work_.wait(lock, stop, [this] { return !turns_.empty(); });
    --idle_;
    return has_turn;
  };
  while (next()) {
    const std::string caller = std::move(turns_.front());
    turns_.pop_front();
    const auto queue = queues_.find(caller);
    Job job = std::move(queue->second.front());
    queue->second.pop_front();
    --waiting_;
    if (queue->second.empty())
      queues_.erase(queue);
    else
      turns_.push_back(caller);
    lock.unlock();
    timers_.cancel(job.timer);
    job.run();
    job = {};  // What it holds may be the last of something: not under the lock.
    lock.lock();
  }
}

void Lanes::give_up(std::uint64_t id) {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    for (auto queue = queues_.begin(); queue != queues_.end(); ++queue) {
      const auto found = std::find_if(queue->second.begin(), queue->second.end(),
                                      [&](const Job& one) { return one.id == id; });
      if (found == queue->second.end()) continue;
      job = std::move(*found);
      queue->second.erase(found);
      --waiting_;
      if (queue->second.empty()) {
        std::erase(turns_, queue->first);
        queues_.erase(queue);
      }
      break;
    }
  }
  if (job.late) job.late();
}

}  // namespace slipway::gateway::detail
