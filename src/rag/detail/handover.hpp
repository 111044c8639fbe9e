// Between the thread that prepares and the one that writes.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace slipway::rag::detail {

/// Holds at most one batch that waits, so that a slow disk slows the embedding instead of filling
/// memory.
template <typename Batch>
class Handover {
 public:
  void put(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_; });
    waiting_ = std::move(batch);
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  std::optional<Batch> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ || closed_; });
    auto batch = std::move(waiting_);
    waiting_.reset();
    changed_.notify_all();
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Batch> waiting_;
  bool closed_ = false;
};

}  // namespace slipway::rag::detail
