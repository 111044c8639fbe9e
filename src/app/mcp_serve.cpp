// `slipway mcp serve`: a server on standard input and output, for clients that start it themselves.
#include <unistd.h>

#include "app/detail/mcp_offer.hpp"
#include "app/mcp_commands.hpp"

namespace slipway::app {

Result<int> mcp_serve(App& app) {
  rag::Library* library = TRY(app.library(DataFolder::may_be_made));
  // Borrowed: the app outlives the server.
  const std::shared_ptr<rag::Library> borrowed(library, [](rag::Library*) {});
  const auto offer = detail::make_mcp_offer({.library = [borrowed] { return borrowed; }});
  const auto server = mcp::Server::make({.offer = *offer, .threads_max = 8});
  auto served = server->serve(app.context(), STDIN_FILENO, STDOUT_FILENO);
  if (!served && served.error().code() != Code::cancelled) return std::move(served.error());
  return exit_done;
}

}  // namespace slipway::app
