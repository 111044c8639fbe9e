// What can be told of a tool before it is called: its config, and arguments that never change.
#pragma once

#include "agents/tool.hpp"

namespace slipway::tools {

/// For `agents::LoadOptions::check_tool`. Whatever the machine lacks now (a file, a jail) is told
/// when the tool is called. Fails: invalid_argument.
Result<void> check_tool(const agents::ToolRegistry& registry, const agents::ToolSpec& spec,
                        const agents::Value& constants);

}  // namespace slipway::tools
