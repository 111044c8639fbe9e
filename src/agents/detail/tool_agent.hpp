// A single tool of an agent as an agent of its own: what is called from outside gets the same
// thread, budget, approvals and record of effects as a call of the agent itself.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "agents/load.hpp"

namespace slipway::agents::detail {

/// "research/search" -> research, search. Nothing: it names no tool.
std::optional<std::pair<std::string, std::string>> split_tool_name(const std::string& name);

/// The text of the agent {input: [arguments], output: [value]} that calls `tool` of `agent` once.
/// Its arguments count as untrusted, so that a tool of high risk is called after an approval only;
/// budget and limits are the agent's. `text` is what `agent` was loaded from. Fails: not_found (it
/// has no such tool, or not with `expose: true`).
Result<std::string> text_of_tool(const Agent& agent, std::string_view text,
                                 const std::string& tool);

}  // namespace slipway::agents::detail
