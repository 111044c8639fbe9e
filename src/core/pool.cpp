#include "core/pool.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>

namespace slipway {

Pool::Pool(Options options)
    : threads_max_(options.threads == 0 ? core_count() : options.threads),
      queue_max_(std::max<std::size_t>(1, options.queue_max)) {
  threads_.reserve(threads_max_);
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  has_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

/// With the mutex held.
void Pool::push(std::function<void()> job) {
  queue_.push_back(std::move(job));
  if (queue_.size() <= idle_ || threads_.size() >= threads_max_) return;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads to be had: those there are do the work.
    if (threads_.empty()) throw;
  }
}

void Pool::submit(std::function<void()> job) {
  {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return queue_.size() < queue_max_; });
    try {
      push(std::move(job));
    } catch (const std::system_error&) {
      job = std::move(queue_.back());
      queue_.pop_back();
      lock.unlock();
      return job();
    }
  }
  has_work_.notify_one();
}

Result<void> Pool::try_submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_max_)
      return fail(Code::unavailable, "{} jobs are waiting, which is the limit; try again later",
                  queue_.size());
    try {
      push(std::move(job));
    } catch (const std::system_error& error) {
      queue_.pop_back();
      return fail(Code::unavailable, "no thread can be started: {}", error.what());
    }
  }
  has_work_.notify_one();
  return {};
}

void Pool::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      has_work_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    has_room_.notify_one();
    job();
  }
}

std::size_t core_count() {
  // The affinity mask, not the machine: a container or taskset may grant fewer.
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0)
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&cores)));
  return std::max(1u, std::thread::hardware_concurrency());
}

namespace {
/// An exception is a bug in one item; it must not end the process from a helper thread.
Result<void> call(const std::function<Result<void>(std::size_t)>& body, std::size_t i) {
  try {
    return body(i);
  } catch (const std::exception& error) {
    return fail(Code::internal, "item {} threw an exception: {}; please report it", i,
                error.what());
  }
}
}  // namespace

Result<void> parallel_for(const Context& context, std::size_t count, std::size_t threads,
                          const std::function<Result<void>(std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> first_error;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      Result<void> done = context.check();
      if (done) done = call(body, i);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = std::move(done.error());
      next = count;
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads to be had: those there are do the work.
    }
    work();
  }
  if (first_error) return std::move(*first_error);
  return {};
}

}  // namespace slipway
