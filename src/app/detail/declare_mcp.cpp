// `slipway mcp` and what is below it.
#include "app/detail/declarations.hpp"
#include "app/mcp_commands.hpp"

namespace slipway::app::detail {

void Declarations::declare_mcp() {
  CLI::App& group =
      add_group("mcp", "Model Context Protocol: serve clients, check both sides",
                "  slipway mcp conformance server --port 8750");
  CLI::App& conformance = add(group, "conformance", "What the public conformance suite talks to");
  conformance.require_subcommand(1);
  finish(conformance, "  slipway mcp conformance server --port 8750");
  CLI::App& server = add(conformance, "server", "Serve the suite's fixture at /mcp");
  auto s = runs<McpConformanceServerOptions>(server, &mcp_conformance_server);
  add_number(server, "--port", s->port, {0, 65'535}, "Port; default: any free one");
  finish(server, "  slipway mcp conformance server --port 8750");
}

}  // namespace slipway::app::detail
