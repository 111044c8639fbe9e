#include "gateway/detail/circuit.hpp"

#include <algorithm>

namespace slipway::gateway::detail {

using std::chrono::milliseconds;

void Circuit::configure(std::size_t failures, milliseconds pause) {
  const std::lock_guard lock(mutex_);
  failures_max_ = failures;
  if (first_pause_ == pause) return;
  first_pause_ = pause_ = pause;
}

bool Circuit::enter(Clock::Time now) {
  const std::lock_guard lock(mutex_);
  if (!open_) return true;
  if (probing_ || now < until_) return false;
  probing_ = true;
  return true;
}

void Circuit::succeed() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  open_ = probing_ = false;
  pause_ = first_pause_;
}

void Circuit::fail(Clock::Time now) {
  const std::lock_guard lock(mutex_);
  ++failures_;
  if (probing_) {
    pause_ = std::min<milliseconds>(pause_ * 2, pause_max);
  } else if (open_ || failures_max_ == 0 || failures_ < failures_max_) {
    return;
  }
  open_ = true;
  probing_ = false;
  until_ = now + pause_;
}

void Circuit::abstain() {
  const std::lock_guard lock(mutex_);
  probing_ = false;
}

Circuit::State Circuit::state(Clock::Time now) const {
  const std::lock_guard lock(mutex_);
  if (!open_) return State::closed;
  return probing_ || now >= until_ ? State::half_open : State::open;
}

milliseconds Circuit::wait(Clock::Time now) const {
  const std::lock_guard lock(mutex_);
  if (!open_ || now >= until_) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(until_ - now);
}

std::string_view name(Circuit::State state) {
  switch (state) {
    case Circuit::State::closed: return "closed";
    case Circuit::State::open: return "open";
    case Circuit::State::half_open: return "half_open";
  }
  return "closed";
}

}  // namespace slipway::gateway::detail
