// The client under test of the public conformance suite: does what a scenario asks for.
#pragma once

#include <string>

#include "core/context.hpp"

namespace slipway::mcp {

struct ConformanceClientOptions {
  std::string url;
  std::string scenario;  ///< MCP_CONFORMANCE_SCENARIO
  std::string version;   ///< MCP_CONFORMANCE_PROTOCOL_VERSION
  std::string context;   ///< MCP_CONFORMANCE_CONTEXT: JSON, or empty.
};
/// Fails: as the client does; scenarios that expect a failure are told by it.
Result<void> run_conformance_client(const Context& context,
                                    const ConformanceClientOptions& options);

}  // namespace slipway::mcp
