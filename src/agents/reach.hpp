// What of the machine an agent may reach whose text came from a caller and not from the operator.
#pragma once

#include <filesystem>
#include <vector>

#include "agents/load.hpp"

namespace slipway::agents {

/// By default an agent computes in its sandbox, asks models and collections that the operator
/// configured, asks public HTTP servers, people, and other agents.
struct Reach {
  bool commands = false;  ///< Tools `command`, and MCP servers that are started (stdio).
  bool secrets = false;   ///< "env:NAME" and "file:PATH".
  bool networks = false;  ///< `allow_private`, PostgreSQL, models and MCP servers at any URL.
  bool files = false;     ///< Any file; else those below:
  std::vector<std::filesystem::path> folders;  ///< Absolute; SQLite and replies of scripted models.
};

/// What of the agent is beyond it, each with its line and remedy. Its sub-agents that callers put
/// are looked at too; those that the operator declared may do what they do.
std::vector<Problem> beyond_reach(const Agent& agent, const Reach& reach);
/// The same as one error. Fails: forbidden.
Result<void> check_reach(const Agent& agent, const Reach& reach);

}  // namespace slipway::agents
