// URLs of tools, in a spelling that everybody reads alike: what decides whether a host may be asked
// must see the host that the client will ask.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::tools::detail {

struct Target {
  std::string scheme;  ///< "http" or "https".
  std::string host;    ///< In lower case, without a last dot; IPv6 in brackets.
  int port = 0;        ///< Always set.
  std::string rest;  ///< From the path on, without the fragment; begins with '/' or '?', or empty.

  std::string origin() const;     ///< "https://example.org:443"
  std::string host_port() const;  ///< "example.org:443"
  std::string url() const { return origin() + rest; }
};

/// Fails: invalid_argument: no http or https, a user or password, a host with other characters than
/// letters, digits, dots and dashes, control characters. What stands behind the host is not shown.
Result<Target> parse_target(std::string_view url);

/// What a Location header leads to.
Result<Target> follow(const Target& from, std::string_view location);

}  // namespace slipway::tools::detail
