// `slipway mcp conformance`: what the public conformance suite of MCP runs against.
#include "app/mcp_commands.hpp"
#include "mcp/conformance.hpp"

namespace slipway::app {

Result<int> mcp_conformance_server(App& app, const McpConformanceServerOptions& options) {
  TRY(mcp::serve_conformance(app.context(), options.port,
                             [&](const std::string& url) { app.note("serving " + url); }));
  return 0;
}

}  // namespace slipway::app
