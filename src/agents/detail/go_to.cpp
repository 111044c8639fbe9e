#include "agents/detail/go_to.hpp"

#include <algorithm>

namespace slipway::agents::detail {

Outcome<bool> add_ready(const Agent& agent, const std::vector<std::string>& names, Scope& scope) {
  for (const std::string& name : names) {
    const auto node = agent.node(name);
    if (!node) return Failure{"input", fmt::format("'{}' is no node of the agent", name)};
    const auto place = std::find_if(scope.next.begin(), scope.next.end(), [&](const Ready& ready) {
      return ready.index >= 0 || ready.node >= *node;
    });
    const bool is_there = place != scope.next.end() && place->index < 0 && place->node == *node;
    if (!is_there) scope.next.insert(place, {.node = *node});
  }
  return true;
}

}  // namespace slipway::agents::detail
