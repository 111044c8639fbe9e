// `slipway mcp conformance`: what the public conformance suite of MCP runs against.
#include <cstdlib>

#include "app/mcp_commands.hpp"
#include "mcp/conformance.hpp"
#include "mcp/conformance_client.hpp"

namespace slipway::app {

namespace {

constexpr std::chrono::seconds client_patience{25};  ///< The suite ends a client after 30.

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<int> mcp_conformance_server(App& app, const McpConformanceServerOptions& options) {
  TRY(mcp::serve_conformance(app.context(), options.port,
                             [&](const std::string& url) { app.note("serving " + url); }));
  return exit_done;
}

Result<int> mcp_conformance_client(App& app, const std::string& url) {
  const std::string scenario = environment("MCP_CONFORMANCE_SCENARIO");
  if (scenario.empty())
    return fail(Code::invalid_argument,
                "MCP_CONFORMANCE_SCENARIO is not set; the conformance suite sets it and runs this");
  TRY(mcp::run_conformance_client(app.context().with_timeout(client_patience),
                                  {.url = url,
                                   .scenario = scenario,
                                   .version = environment("MCP_CONFORMANCE_PROTOCOL_VERSION"),
                                   .context = environment("MCP_CONFORMANCE_CONTEXT")}));
  return exit_done;
}

}  // namespace slipway::app
