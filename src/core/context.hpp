// What every function that can wait needs to know about the call it serves.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "core/result.hpp"

namespace slipway {

/// Deadline, cancellation, trace position and caller of one request, job or command.
/// A small value: copy it, narrow it, pass it first. Safe to share between threads once built.
class Context {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// No deadline, never cancelled, no caller: for tests and start-up.
  Context() = default;
  explicit Context(std::stop_token stop) : stop_(std::move(stop)) {}

  /// The same call with at most `timeout` left; an earlier deadline stays.
  Context with_timeout(std::chrono::milliseconds timeout) const;
  Context with_stop(std::stop_token stop) const;
  Context with_trace(std::string trace_id) const;
  Context with_caller(std::string caller) const;

  /// `cancelled` or `deadline_exceeded`. Call it in every loop that can be long.
  Result<void> check() const;

  const std::stop_token& stop() const { return stop_; }
  std::optional<SteadyTime> deadline() const { return deadline_; }
  /// What is left, never negative; `fallback` when there is no deadline.
  std::chrono::milliseconds remaining(std::chrono::milliseconds fallback) const;
  /// W3C trace id of the call, 32 hex digits, empty when nobody asked for one.
  const std::string& trace_id() const { return trace_id_; }
  /// Name of the key or user, empty on the command line.
  const std::string& caller() const { return caller_; }

 private:
  std::stop_token stop_;
  std::optional<SteadyTime> deadline_;
  std::string trace_id_;
  std::string caller_;
};

}  // namespace slipway
