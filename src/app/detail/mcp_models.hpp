// Deployed models as tools and resources of MCP: each is a tool by what it does.
//
// A call goes through the gateway like one of an SDK: with the caller's models and limits, budgets,
// guardrails, caches, fallback and a trace.
#pragma once

#include <string>
#include <vector>

#include "gateway/gateway.hpp"
#include "mcp/server.hpp"

namespace slipway::app::detail {

struct McpModels {
  gateway::Gateway* gateway = nullptr;  ///< Null: no models are offered.
  /// Which may be called: names; "all" stands for everything that the gateway knows.
  std::vector<std::string> offered;
};

/// "model_NAME"; of NAME only letters, digits, '_', '-' and '.' stay.
bool is_model_tool(std::string_view tool);
/// Those that are offered and that the caller may use.
json::Array model_tools(const McpModels& door, const mcp::Principal& principal);
/// Null: there is no such tool.
json::Value model_input_schema(const McpModels& door, const mcp::Principal& principal,
                               const std::string& tool);
mcp::Answer call_model(const McpModels& door, mcp::Call& call, const std::string& tool,
                       const json::Object& arguments);

/// "slipway://models/NAME": what is known of each, JSON. Costs nothing.
json::Array model_resources(const McpModels& door, const mcp::Principal& principal);
bool is_model_resource(std::string_view uri);
mcp::Answer read_model_resource(const McpModels& door, mcp::Call& call, const std::string& uri);

}  // namespace slipway::app::detail
