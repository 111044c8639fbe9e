// Agents as tools of MCP: each that is exposed is one, its questions go to the client.
#pragma once

#include <string>

#include "agents/host.hpp"
#include "mcp/server.hpp"

namespace slipway::app::detail {

/// Those with `expose: true`, as tools, by name.
Result<json::Array> agent_tools(agents::Host& host);
/// The schema of what such a tool takes; null: there is no such tool.
json::Value agent_input_schema(agents::Host& host, const std::string& tool);
/// Whether it is one of an agent's.
bool is_agent_tool(std::string_view tool);
/// Runs it. A question of the agent is asked by elicitation where the client can; else the result
/// tells what is asked and how to answer: by the same tool with `thread` and `answers`.
mcp::Answer call_agent(agents::Host& host, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments);

}  // namespace slipway::app::detail
