// How a task of an agent fails: with a kind, which edges and retries are told by.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "core/result.hpp"

namespace slipway::agents {

/// Kinds: expression, failed, type, write_conflict, step_limit, wall_limit, turn_limit, schema,
/// context, rejected, refused, budget, script, network, timeout, rate_limit, tool, unsupported,
/// cancelled, storage, internal; of what is refused also no_thread, busy, answer, input and others.
struct Failure {
  std::string kind;
  std::string message;
};

/// The same for calls of what is below: which kind an error is of.
Failure failure_of(const Error& error);
/// Of what keeps threads: a disk that is full or gone is "storage", not the network.
Failure storage_failure(const Error& error);

/// A value or the `Failure` that stands in its place.
template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Outcome(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  /// Only when `ok()`.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  /// Only when not `ok()`.
  Failure& failure() { return std::get<1>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

/// As TRY, of an `Outcome`.
#define SLIPWAY_GET(...)                         \
  (__extension__({                               \
    auto got_ = (__VA_ARGS__);                   \
    if (!got_) return std::move(got_.failure()); \
    *std::move(got_);                            \
  }))

}  // namespace slipway::agents
