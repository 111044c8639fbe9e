// Messages between the two worlds: {id, role, content, tool_calls} of an agent's state, and what
// LangChain's clients call {"type": "human" | "ai" | "system" | "tool", ...}.
#pragma once

#include <string>
#include <string_view>

#include "agents/graph.hpp"

namespace slipway::langgraph::detail {

using agents::Value;

/// As clients read it.
Value message_out(const Value& message);
/// As a state keeps it: also of a text alone and of a pair ["user", "text"]. What is no message
/// stays as it is, for the state to refuse.
Value message_in(const Value& message);

/// A map of keys of `agent` (a state, or writes): its messages as clients read them.
Value state_out(const agents::Agent& agent, const Value& values);
/// The same from a client; keys that the agent does not have stay.
Value state_in(const agents::Agent& agent, const Value& values);

/// The agent of a graph inside another: "" itself, "writer/check" a node's sub-agent's sub-agent.
/// Null: there is none.
const agents::Agent* agent_at(const agents::Agent& agent, std::string_view path);
/// What runs in a node as a sub-agent, also for each item of a map; null: nothing.
const agents::Agent* sub_agent(const agents::Node& node);

}  // namespace slipway::langgraph::detail
