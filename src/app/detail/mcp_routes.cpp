#include "app/detail/mcp_routes.hpp"

#include "http/problem.hpp"

namespace slipway::app::detail {

namespace {

mcp::Principal principal_of(const access::Caller& caller) {
  return {.name = caller.name,
          .may =
              [role = caller.role](std::string_view right) {
                return role >= (right == "read" ? access::Role::read : access::Role::write);
              },
          .who = std::make_shared<access::Caller>(caller)};
}

}  // namespace

void mount_mcp(http::Router& router, const McpEndpoint& endpoint) {
  const auto handler = [endpoint](const http::ExchangePtr& exchange, const auto&) {
    const auto caller = endpoint.gate.admit(exchange->request(), access::Role::read);
    if (!caller) {
      auto refusal = http::to_response(http::problem_of(caller.error(), exchange->request()));
      if (refusal.status == 401) refusal.headers.set("WWW-Authenticate", "Bearer");
      return exchange->reply(std::move(refusal));
    }
    endpoint.server.answer(exchange, principal_of(*caller));
  };
  for (const char* method : {"POST", "GET", "DELETE"})
    router.add(method, "/mcp", http::RunOn::workers, handler);
}

}  // namespace slipway::app::detail
