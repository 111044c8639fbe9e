// Credentials of MCP servers over HTTP: OAuth 2.1 with PKCE.
//
// Sources: MCP authorization (2025-11-25, 2026-07-28), RFC 9728 (where the authorization server
// is), RFC 8414 and OpenID discovery (what it can), RFC 7591 (registration), Client ID Metadata
// Documents, RFC 8707 (for which resource), RFC 9207 (who answered), RFC 7636 (PKCE).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/client.hpp"
#include "mcp/client.hpp"

namespace slipway::mcp {

struct OAuthOptions {
  std::string url;  ///< Of the MCP server.
  http::Reach reach = http::Reach::public_only;
  std::string client_name = "Slipway";
  std::string redirect_uri = "http://127.0.0.1:8719/callback";
  std::string client_metadata_url;       ///< https; empty: we have none.
  std::string client_id, client_secret;  ///< Registered beforehand; empty: not.
  /// Goes to the URL as its user's browser and gives the URL it was sent back to. Empty: the
  /// client acts for itself (grant client_credentials).
  std::function<Result<std::string>(const Context&, const std::string& url)> visit;
  int step_ups_max = 3;  ///< More scopes asked for, one after the other.
  Random& random = system_random();
};

/// Safe to use from many threads; one at a time authorizes. Tokens are kept in memory only.
std::shared_ptr<Authorizer> make_oauth(OAuthOptions options);

}  // namespace slipway::mcp
