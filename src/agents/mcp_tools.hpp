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
  /// W3C's name of a call among the traces, told to its server; empty, or "": none is told.
  std::function<std::string(const ToolCall&)> traceparent;
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds call_timeout{60'000};  ///< Where the tool has no `timeout`.
  std::size_t servers_max = 64;
  std::size_t description_bytes_max = 16u << 10;
  std::size_t result_bytes_max = 1u << 20;  ///< Of what a tool gave, as JSON.
  std::size_t error_bytes_max = 4u << 10;   ///< Of what a tool says when it fails.
  /// How long what a server says of its tools counts; of a program also until it tells otherwise.
  std::chrono::milliseconds list_again_after{300'000};
};

/// For the kind "mcp": `detail/mcp_config.hpp` says what stands there. A tool of which the server
/// says something else than when it was seen first, or than `pin` says, is not called. Servers are
/// started when they are first called, shared by all tools that name them, kept, started again if
/// they ended, and ended with the last copy of the factory.
ToolFactory mcp_tool_factory(McpToolOptions options = {});

}  // namespace slipway::agents
