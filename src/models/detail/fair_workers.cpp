#include "models/detail/fair_workers.hpp"

#include <system_error>

namespace slipway::models::detail {

FairWorkers::~FairWorkers() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  has_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<void> FairWorkers::run(const Context& context, std::size_t count, const Body& body) {
  TRY(context.check());
  if (count == 0) return {};
  Batch batch{context, body, count};
  std::unique_lock lock(mutex_);
  // One text while nobody else asks: no other thread need wake up for it.
  const bool is_alone = count == 1 && running_ == 0 && waiting_.empty();
  if (is_alone || !start_threads()) {
    while (batch.next < count && !batch.error) work_on(batch, lock);
    has_work_.notify_all();
  } else {
    batch.is_waiting = true;
    waiting_.push(context.caller(), &batch);
    has_work_.notify_all();
    const auto is_done = [&] { return batch.running == 0 && !batch.is_waiting; };
    if (const auto deadline = context.deadline())
      has_done_.wait_until(lock, context.stop(), *deadline, is_done);
    else
      has_done_.wait(lock, context.stop(), is_done);
    if (!is_done()) {
      take_out(batch);
      has_done_.wait(lock, [&] { return batch.running == 0; });
    }
  }
  if (batch.error) return *std::move(batch.error);
  if (batch.next < count) return context.check();
  return {};
}

/// Whether there is at least one.
bool FairWorkers::start_threads() {
  try {
    while (threads_.size() < threads_max_) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads to be had: those there are do the work.
  }
  return !threads_.empty();
}

void FairWorkers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    has_work_.wait(lock,
                   [&] { return is_closing_ || (!waiting_.empty() && running_ < threads_max_); });
    if (is_closing_) return;
    Batch& batch = *waiting_.take();
    // Its next text waits behind those of others.
    batch.is_waiting = batch.next + 1 < batch.count;
    const std::string caller = batch.context.caller();
    if (batch.is_waiting) waiting_.push(caller, &batch);
    work_on(batch, lock);
    // The batch may be gone.
    waiting_.give_back(caller);
    has_work_.notify_one();
  }
}

/// One text, without the lock.
void FairWorkers::work_on(Batch& batch, std::unique_lock<std::mutex>& lock) {
  const std::size_t index = batch.next++;
  ++batch.running;
  ++running_;
  lock.unlock();
  Result<void> done = batch.context.check();
  try {
    if (done) done = batch.body(index);
  } catch (const std::exception& error) {
    done = Error(Code::internal, error.what());
  }
  lock.lock();
  --running_;
  --batch.running;
  if (!done && !batch.error) {
    batch.error = std::move(done.error());
    take_out(batch);
  }
  if (batch.running == 0 && !batch.is_waiting) has_done_.notify_all();
}

void FairWorkers::take_out(Batch& batch) {
  if (!batch.is_waiting) return;
  waiting_.remove(batch.context.caller(), &batch);
  batch.is_waiting = false;
}

}  // namespace slipway::models::detail
