// The endpoint of MCP clients, behind the gate.
#pragma once

#include "access/gate.hpp"
#include "http/router.hpp"
#include "mcp/server.hpp"

namespace slipway::app::detail {

struct McpEndpoint {
  mcp::Server& server;       ///< Must outlive the router.
  const access::Gate& gate;  ///< Must outlive the router.
};
/// At /mcp. Keys and roles are those of all routes: read lists and searches, write asks and runs.
void mount_mcp(http::Router& router, const McpEndpoint& endpoint);

}  // namespace slipway::app::detail
