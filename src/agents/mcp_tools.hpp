// Tools of agents that MCP servers have: `mcp: "stdio:CMD" | URL`, with or without `tool`.
//
// With `tool`, the tool is that one of the server. Without it, one tool stands for all of the
// server's: it takes {tool, arguments}, and its description lists what there is.
#pragma once

#include <functional>
#include <memory>

#include "agents/tool.hpp"
#include "mcp/client.hpp"

namespace slipway::agents {

struct McpToolOptions {
  /// Whether a declaration may start programs of this machine and reach addresses that are not
  /// public. By default: if it comes from a file, not from a text that somebody put.
  std::function<bool(const ToolSpec&)> is_trusted;
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds call_timeout{60'000};  ///< Where the tool has no `timeout`.
  std::size_t servers_max = 64;
  std::size_t description_bytes_max = 16u << 10;
};

/// For the kind "mcp". Servers are started when they are first called, shared by all tools that
/// name them, kept, started again if they ended, and ended with the last copy of the factory.
ToolFactory mcp_tool_factory(McpToolOptions options = {});

}  // namespace slipway::agents
