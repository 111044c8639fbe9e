// `requestState`: what a modern client carries from one round to the next, so that we need not
// keep it. It is ours alone: whoever changes it, or brings it to another request, is refused.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/json.hpp"

namespace slipway::mcp::detail {

struct RoundState {
  json::Object answers;  ///< Of earlier rounds, by key.
  json::Object memory;   ///< The offer's.
};

/// Safe to use from many threads. The key is made at start: a state does not outlive the process.
class StateSigner {
 public:
  StateSigner(const Clock& clock, Random& random);
  /// `request` names what it is for: method, name, arguments, caller.
  std::string sign(const RoundState& state, std::string_view request) const;
  /// Fails: invalid_argument (not ours, changed, of another request, older than an hour).
  Result<RoundState> read(std::string_view text, std::string_view request) const;

  static constexpr std::chrono::hours lifetime{1};
  static constexpr std::size_t bytes_max = 1u << 20;

 private:
  const Clock& clock_;
  Random& random_;
  std::string key_;
};

}  // namespace slipway::mcp::detail
