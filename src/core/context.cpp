#include "core/context.hpp"

#include <algorithm>

namespace slipway {

Context Context::with_timeout(std::chrono::milliseconds timeout) const {
  Context narrowed = *this;
  const SteadyTime now = std::chrono::steady_clock::now();
  // A caller may say "as long as it takes" with the largest number there is.
  const bool is_endless = timeout > std::chrono::hours(24 * 365 * 100);
  const SteadyTime deadline =
      is_endless ? SteadyTime::max() : now + std::max(timeout, std::chrono::milliseconds(0));
  narrowed.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
  return narrowed;
}

Context Context::with_stop(std::stop_token stop) const {
  Context changed = *this;
  changed.stop_ = std::move(stop);
  return changed;
}

Context Context::with_trace(std::string trace_id) const {
  Context changed = *this;
  changed.trace_id_ = std::move(trace_id);
  return changed;
}

Context Context::with_caller(std::string caller) const {
  Context changed = *this;
  changed.caller_ = std::move(caller);
  return changed;
}

Result<void> Context::check() const {
  if (stop_.stop_requested()) return fail(Code::cancelled, "cancelled by the caller");
  if (deadline_ && std::chrono::steady_clock::now() >= *deadline_)
    return fail(Code::deadline_exceeded, "the time allowed for this call is over");
  return {};
}

std::chrono::milliseconds Context::remaining(std::chrono::milliseconds fallback) const {
  if (!deadline_) return fallback;
  // Rounded up: to many libraries a timeout of 0 means none at all.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace slipway
