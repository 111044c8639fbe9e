// Nodes that somebody sends a thread to.
#pragma once

#include <string>
#include <vector>

#include "agents/detail/run_state.hpp"

namespace slipway::agents::detail {

/// Makes nodes ready beside what is ready, each once, in merge order: ordinary tasks before mapped
/// ones, by the bytes of their names. Fails: kind "input" (there is no such node).
Outcome<bool> add_ready(const Agent& agent, const std::vector<std::string>& names, Scope& scope);

}  // namespace slipway::agents::detail
