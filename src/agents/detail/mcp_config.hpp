// What stands below `mcp:` of a tool: where the server is, who we are to it.
//
//   mcp: "stdio:COMMAND" | URL
//   mcp: {url: URL, headers: {Authorization: "Bearer env:TOKEN"}, pin: "sha256:..."}
//   mcp: {stdio: COMMAND, env: {TOKEN: "env:TOKEN"}, pin: "sha256:..."}
//
// Secrets are named ("env:NAME", "file:PATH", behind a first word at most) and looked up when the
// server is connected; what holds one is sent over https, or to this machine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/value.hpp"
#include "core/result.hpp"

namespace slipway::agents::detail {

struct McpConfig {
  std::string url;                             ///< http:// or https://; empty: a program.
  std::vector<std::string> command;            ///< Program and arguments; empty: a URL.
  std::map<std::string, std::string> headers;  ///< As written: names of secrets, not they.
  std::map<std::string, std::string> environment;
  std::string pin;  ///< Hash of the tool's definition ("sha256:" and hex digits); empty: any.

  /// How messages call the server; holds no secret.
  std::string address() const;
  bool names_secrets() const;
};

/// Fails: invalid_argument, naming key, value and what is wanted.
Result<McpConfig> read_mcp_config(const Value& value);

/// A value with the secrets that it names put in. `secrets` gets them. Fails: as `resolve_secret`.
Result<std::string> with_secrets(const std::string& setting, const std::string& value,
                                 std::vector<std::string>& secrets);

/// `value` without any of the secrets in its texts.
json::Value masked(json::Value value, const std::vector<std::string>& secrets);

}  // namespace slipway::agents::detail
