// `slipway mcp` and what is below it.
#include "app/detail/declarations.hpp"
#include "app/mcp_commands.hpp"

namespace slipway::app::detail {

void Declarations::declare_mcp() {
  CLI::App& group = add_group("mcp", "Model Context Protocol: serve clients, check both sides",
                              "  slipway mcp serve\n"
                              "  slipway mcp conformance server --port 8750");
  CLI::App& serve = add(group, "serve", "Serve a client that starts this as its subprocess");
  runs_alone(serve, &mcp_serve);
  finish(serve, "  slipway mcp serve --data .slipway");
  CLI::App& conformance = add(group, "conformance", "What the public conformance suite talks to");
  conformance.require_subcommand(1);
  finish(conformance, "  slipway mcp conformance server --port 8750");
  CLI::App& server = add(conformance, "server", "Serve the suite's fixture at /mcp");
  auto s = runs<McpConformanceServerOptions>(server, &mcp_conformance_server);
  add_number(server, "--port", s->port, {0, 65'535}, "Port; default: any free one");
  finish(server, "  slipway mcp conformance server --port 8750");
  CLI::App& client = add(conformance, "client", "Be the client under test; the suite starts it");
  auto url = runs<std::string>(client, &mcp_conformance_client);
  add_argument(client, "URL", *url, "The suite's server")->required();
  finish(client, "  slipway mcp conformance client http://127.0.0.1:8750/mcp");
}

}  // namespace slipway::app::detail
