// What MCP clients are offered: collections to search and ask, documents to read, agents and their
// tools to run, models to call.
#pragma once

#include <functional>
#include <memory>

#include "app/detail/mcp_agents.hpp"
#include "app/detail/mcp_models.hpp"
#include "budgets/ledger.hpp"
#include "mcp/server.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

/// What the configuration of now lets clients see.
struct McpShown {
  bool has_collections = true;
  bool has_agents = true;
  bool lets_clients_approve = false;
  McpModels models;
};

struct McpSources {
  /// Of now; may give null: then there are no collections.
  std::function<std::shared_ptr<rag::Library>()> library;
  /// Both must outlive the offer; null: agents are not served.
  agents::Host* agents = nullptr;
  const agents::ToolRegistry* tools = nullptr;
  /// Of questions and searches; null: nothing is limited. Must outlive the offer.
  budgets::Ledger* ledger = nullptr;
  std::function<McpShown()> shown = [] { return McpShown(); };
};
/// Rights of its principals: "read" lists, searches and reads, "write" asks, runs and calls.
std::unique_ptr<mcp::Offer> make_mcp_offer(McpSources sources);

}  // namespace slipway::app::detail
