// Which hosts are this machine, by their name alone.
#pragma once

#include <string_view>

namespace slipway::http {

/// Whether only this machine is meant: a name or an address without its port, in lower case, IPv6
/// with or without brackets. Nobody is asked what a name resolves to.
bool is_loopback(std::string_view host);

/// "example.org:8700" -> "example.org", "[::1]:8700" -> "[::1]". What has no port stays.
std::string_view without_port(std::string_view host);

}  // namespace slipway::http
