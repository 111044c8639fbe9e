// Where an MCP server's authorization server is, and what it can.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "http/client.hpp"

namespace slipway::mcp::detail {

/// "https://a.example:8443/x/y?z" -> "https://a.example:8443" and "/x/y"; lower case of the first.
struct UrlParts {
  std::string origin, path;
};
UrlParts split_url(std::string_view url);

/// One challenge "Bearer" of a WWW-Authenticate header.
struct Challenge {
  std::string resource_metadata, scope, error;
};
Challenge read_challenge(std::string_view header);

/// Whether a token for `resource` is one for `url`: same origin, and a path that holds it.
bool covers(std::string_view resource, std::string_view url);

struct AuthorizationServer {
  std::string issuer;
  json::Object metadata;
  std::string resource;             ///< What tokens are asked for.
  std::vector<std::string> scopes;  ///< `scopes_supported` of the resource.
  bool has_scopes = false;
};

/// Fails: unauthenticated (nothing was found, or what was found may not be used).
Result<AuthorizationServer> discover_server(const Context& context, http::Client& client,
                                            const std::string& url, const Challenge& challenge);

}  // namespace slipway::mcp::detail
