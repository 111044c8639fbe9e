// Leaves a deployment alone while it fails.
//
// closed -> open after so many failures in a row; open -> half-open when the pause is over: one
// call goes through and decides. Each failed probe doubles the pause.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string_view>

#include "core/clock.hpp"

namespace slipway::gateway::detail {

/// Safe to use from many threads.
class Circuit {
 public:
  enum class State { closed, open, half_open };
  static constexpr std::chrono::minutes pause_max{5};

  Circuit(std::size_t failures, std::chrono::milliseconds pause)
      : failures_max_(failures), first_pause_(pause), pause_(pause) {}
  /// Keeps what is known.
  void configure(std::size_t failures, std::chrono::milliseconds pause);

  /// Whether a call may go through now. Each that may is followed by one of the three below.
  bool enter(Clock::Time now);
  void succeed();
  void fail(Clock::Time now);
  /// It says nothing about the deployment: the client left, the request was wrong.
  void abstain();

  State state(Clock::Time now) const;
  /// When a call may be tried again; zero when now.
  std::chrono::milliseconds wait(Clock::Time now) const;

 private:
  mutable std::mutex mutex_;
  std::size_t failures_max_;
  std::chrono::milliseconds first_pause_, pause_;
  std::size_t failures_ = 0;
  bool open_ = false;
  bool probing_ = false;
  Clock::Time until_{};
};

std::string_view name(Circuit::State state);

}  // namespace slipway::gateway::detail
