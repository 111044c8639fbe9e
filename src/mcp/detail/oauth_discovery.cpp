#include "mcp/detail/oauth_discovery.hpp"

#include "core/ascii.hpp"
#include "mcp/protocol.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::string_view resource_well_known = "/.well-known/oauth-protected-resource";
constexpr std::string_view server_well_known = "/.well-known/oauth-authorization-server";
constexpr std::string_view openid_well_known = "/.well-known/openid-configuration";

/// Nothing: it is not there.
Result<std::optional<json::Object>> fetch(const Context& context, http::Client& client,
                                          const std::string& url) {
  const auto response = TRY(
      client.send(context, {.url = url, .headers = {{"Accept", "application/json"}}, .body = {}}));
  if (response.status >= 400 && response.status < 500) return std::optional<json::Object>();
  if (response.status != 200)
    return fail(Code::unavailable, "{} answered with status {}", http::redact_url(url),
                response.status);
  const json::Value value = TRY(json::parse(response.body).within(http::redact_url(url)));
  if (!value.is_object())
    return fail(Code::unauthenticated, "{} is no JSON object", http::redact_url(url));
  return std::optional(value.get_object());
}

std::string trimmed(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::optional<json::Object>> resource_metadata(const Context& context, http::Client& client,
                                                      const std::string& url,
                                                      const Challenge& challenge) {
  const UrlParts parts = split_url(url);
  if (!challenge.resource_metadata.empty())
    return fetch(context, client, challenge.resource_metadata);
  if (const std::string path = trimmed(parts.path); !path.empty())
    if (auto found = TRY(
            fetch(context, client, fmt::format("{}{}{}", parts.origin, resource_well_known, path))))
      return found;
  return fetch(context, client, fmt::format("{}{}", parts.origin, resource_well_known));
}

/// In the order that the specification gives.
std::vector<std::string> metadata_urls(const std::string& issuer) {
  const UrlParts parts = split_url(issuer);
  const std::string path = trimmed(parts.path);
  std::vector<std::string> urls = {fmt::format("{}{}{}", parts.origin, server_well_known, path),
                                   fmt::format("{}{}{}", parts.origin, openid_well_known, path)};
  if (!path.empty()) urls.push_back(fmt::format("{}{}{}", parts.origin, path, openid_well_known));
  return urls;
}

/// As revision 2025-03-26 has it, for servers that tell nothing.
json::Object assumed_metadata(const std::string& origin) {
  return {{"issuer", origin},
          {"authorization_endpoint", origin + "/authorize"},
          {"token_endpoint", origin + "/token"},
          {"registration_endpoint", origin + "/register"},
          {"code_challenge_methods_supported", json::Array{"S256"}}};
}

std::string_view next_word(std::string_view text, std::size_t& at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == ',' || text[at] == '\t')) ++at;
  const std::size_t begin = at;
  while (at < text.size() && text[at] != ' ' && text[at] != ',' && text[at] != '=') ++at;
  return text.substr(begin, at - begin);
}

std::string value_at(std::string_view text, std::size_t& at) {
  std::string value;
  if (at >= text.size() || text[at] != '"') {
    while (at < text.size() && text[at] != ',' && text[at] != ' ') value += text[at++];
    return value;
  }
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    value += text[at];
  }
  if (at < text.size()) ++at;
  return value;
}

}  // namespace

UrlParts split_url(std::string_view url) {
  const auto scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto end = url.find_first_of("/?#", begin);
  UrlParts parts{.origin = ascii::lower(url.substr(0, end)), .path = {}};
  if (end != std::string_view::npos && url[end] == '/') {
    const std::string_view rest = url.substr(end);
    parts.path = std::string(rest.substr(0, rest.find_first_of("?#")));
  }
  return parts;
}

Challenge read_challenge(std::string_view header) {
  Challenge challenge;
  bool is_bearer = false;
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t before = at;
    const std::string word = ascii::lower(next_word(header, at));
    if (at < header.size() && header[at] == '=') {
      ++at;
      const std::string value = value_at(header, at);
      if (!is_bearer) continue;
      if (word == "resource_metadata") challenge.resource_metadata = value;
      if (word == "scope") challenge.scope = value;
      if (word == "error") challenge.error = value;
    } else if (!word.empty()) {
      is_bearer = word == "bearer";
    }
    if (at == before) ++at;
  }
  return challenge;
}

bool covers(std::string_view resource, std::string_view url) {
  const UrlParts ours = split_url(url), theirs = split_url(resource);
  if (ours.origin != theirs.origin) return false;
  const std::string path = trimmed(theirs.path);
  return path.empty() || ours.path == theirs.path || ours.path == path ||
         ours.path.starts_with(path + "/");
}

Result<AuthorizationServer> discover_server(const Context& context, http::Client& client,
                                            const std::string& url, const Challenge& challenge) {
  AuthorizationServer server{.issuer = {}, .metadata = {}, .resource = url, .scopes = {}};
  const auto resource = TRY(resource_metadata(context, client, url, challenge));
  if (resource) {
    const std::string named = text_of(*resource, "resource");
    if (!named.empty() && !covers(named, url))
      return fail(Code::unauthenticated,
                  "the metadata of '{}' are of another resource, '{}': they may not be used",
                  http::redact_url(url), named);
    if (!named.empty()) server.resource = named;
    if (const auto* scopes = resource->if_contains("scopes_supported");
        scopes && scopes->is_array()) {
      server.has_scopes = true;
      for (const json::Value& scope : scopes->get_array())
        if (scope.is_string()) server.scopes.emplace_back(scope.get_string());
    }
    if (const auto* list = resource->if_contains("authorization_servers");
        list && list->is_array() && !list->get_array().empty() &&
        list->get_array().front().is_string())
      server.issuer = std::string(list->get_array().front().get_string());
  }
  const bool is_assumed = server.issuer.empty();
  if (is_assumed) server.issuer = split_url(url).origin;
  for (const std::string& place : metadata_urls(server.issuer)) {
    auto metadata = TRY(fetch(context, client, place));
    if (!metadata) continue;
    const std::string issuer = text_of(*metadata, "issuer");
    // Whoever answers for another could take the code (RFC 8414, section 3.3).
    if (!is_assumed && issuer != server.issuer)
      return fail(Code::unauthenticated,
                  "{} says that it is of issuer '{}', not of '{}': it may not be used", place,
                  issuer, server.issuer);
    if (is_assumed) server.issuer = issuer;
    server.metadata = std::move(*metadata);
    return server;
  }
  if (!is_assumed)
    return fail(Code::unauthenticated, "'{}' tells nothing of itself as an authorization server",
                server.issuer);
  server.metadata = assumed_metadata(server.issuer);
  return server;
}

}  // namespace slipway::mcp::detail
