// `mcp:` of slipway.yaml.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace slipway::app {

/// Who decides what an agent asks for that a client of MCP called, where the client has no forms:
/// `person` on the page or the command line; `client` lets arguments of the next call decide.
enum class McpApprovals { person, client };
BOOST_DESCRIBE_ENUM(McpApprovals, person, client)

/// What clients of MCP see, at /mcp and of `slipway mcp serve`.
struct McpConfig {
  bool collections = true;
  bool agents = true;  ///< And their tools: those that say `expose: true`.
  /// Models that are tools: names; "configured" stands for those of `models` and `routes`, "all"
  /// for what is installed and collections as models too.
  std::vector<std::string> models = {"configured"};
  McpApprovals approvals = McpApprovals::person;
};
BOOST_DESCRIBE_STRUCT(McpConfig, (), (collections, agents, models, approvals))

}  // namespace slipway::app
