// URLs of http and https in one spelling, so that equal ones are equal texts.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::connectors::detail {

/// Normalised: scheme and host in lower case, no default port, no fragment, no dot segments,
/// nothing percent-encoded that need not be and everything that must. A value.
struct Url {
  std::string scheme;  ///< "http" or "https".
  std::string host;    ///< "[::1]" with its brackets.
  int port = 0;        ///< Always set.
  std::string path = "/";
  std::string query;  ///< With its '?'; else empty.

  std::string origin() const;
  /// Path and query.
  std::string target() const { return path + query; }
  std::string text() const { return origin() + target(); }
  bool operator==(const Url&) const = default;
};

/// Fails: invalid_argument (another scheme, no host, a user or password in it, control characters).
/// The message never shows what may be secret.
Result<Url> parse_url(std::string_view text);

/// What `reference` (absolute, or relative to `base`) leads to. Fails as `parse_url`.
Result<Url> resolve(const Url& base, std::string_view reference);

/// Percent-encodes all but unreserved characters: a value in a query.
std::string encode_component(std::string_view text);
/// Turns "%41" into "A"; what is no valid escape stays as it is.
std::string decode_component(std::string_view text);

}  // namespace slipway::connectors::detail
