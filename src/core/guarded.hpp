// Shared mutable state that cannot be reached without its lock.
#pragma once

#include <mutex>
#include <utility>

namespace slipway {

/// `Guarded<Cache> cache_; cache_.with([&](Cache& c) { ... });` Do not let references escape the
/// lambda.
template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <typename F>
  decltype(auto) with(F&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }
  template <typename F>
  decltype(auto) with(F&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace slipway
