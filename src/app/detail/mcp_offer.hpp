// What MCP clients are offered: collections to search and ask, documents to read, agents to run.
#pragma once

#include <functional>
#include <memory>

#include "agents/host.hpp"
#include "mcp/server.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

struct McpSources {
  /// Of now; may give null: then there are no collections.
  std::function<std::shared_ptr<rag::Library>()> library;
  /// Must outlive the offer; null: agents are not served.
  agents::Host* agents = nullptr;
};
/// Rights of its principals: "read" lists, searches and reads, "write" asks and runs.
std::unique_ptr<mcp::Offer> make_mcp_offer(McpSources sources);

}  // namespace slipway::app::detail
