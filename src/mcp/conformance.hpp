// What the public conformance suite of the Model Context Protocol talks to: a server with the
// fixture that it names, and a client that does what each of its scenarios asks. Both stand on the
// ordinary library; they are for tests, not for use.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/context.hpp"
#include "mcp/server.hpp"

namespace slipway::mcp {

/// Tools, resources and prompts by the suite's names (`test_simple_text` ...).
class ConformanceOffer : public Offer {
 public:
  static std::unique_ptr<ConformanceOffer> make();
  /// Whose lists it changes when a tool of the suite asks for it; must be set before it serves.
  virtual void set_server(Server& server) = 0;
};

/// Serves at http://127.0.0.1:PORT/mcp until the context stops. `on_ready` gets the URL. Fails:
/// unavailable (the port is taken).
Result<void> serve_conformance(const Context& context, int port,
                               const std::function<void(const std::string&)>& on_ready);

}  // namespace slipway::mcp
