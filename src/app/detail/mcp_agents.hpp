// Agents and their tools as tools of MCP: what is exposed is one, its questions go to the client.
//
// "agent_NAME" runs an agent, "tool_AGENT_TOOL" calls one tool of it, "resume" goes on with a
// thread that waits. Each is a run of the host: with a thread, budgets, a trace, a record of its
// effects, and approvals. A question is asked by elicitation where the client can; else the result
// tells what is asked and how to go on.
#pragma once

#include <string>

#include "agents/host.hpp"
#include "mcp/server.hpp"

namespace slipway::app::detail {

struct McpAgents {
  agents::Host& host;
  const agents::ToolRegistry& tools;  ///< Tells what arguments a tool takes.
  /// Whether approvals, budgets and unknown effects may be answered by arguments of a call: then a
  /// model that calls may approve what it asked for itself.
  bool lets_clients_approve = false;
};

/// What is exposed, by name.
Result<json::Array> agent_tools(const McpAgents& door);
/// The schema of what such a tool takes; null: there is no such tool.
json::Value agent_input_schema(const McpAgents& door, const std::string& tool);
/// Whether it is one of the above by its name.
bool is_agent_tool(std::string_view tool);
mcp::Answer call_agent(const McpAgents& door, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments);

/// "slipway://agents/NAME": what each exposed agent is, takes, gives and may call, JSON.
Result<json::Array> agent_resources(const McpAgents& door);
bool is_agent_resource(std::string_view uri);
mcp::Answer read_agent_resource(const McpAgents& door, mcp::Call& call, const std::string& uri);

}  // namespace slipway::app::detail
