// The commands below `slipway mcp`.
#pragma once

#include <string>

#include "app/app.hpp"

namespace slipway::app {

/// Offers collections and documents to the client that started it, until that closes its end.
Result<int> mcp_serve(App& app);

struct McpConformanceServerOptions {
  int port = 0;  ///< 0: any free one.
};
/// Serves the fixture of the public conformance suite until it is stopped.
Result<int> mcp_conformance_server(App& app, const McpConformanceServerOptions& options);
/// Does what the scenario in the environment asks for, against the suite's server.
Result<int> mcp_conformance_client(App& app, const std::string& url);

}  // namespace slipway::app
