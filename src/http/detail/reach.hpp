// Which addresses are anybody's, and which are ours or our neighbours'.
#pragma once

#include <sys/socket.h>

#include <string>

namespace slipway::http::detail {

/// Whether the address belongs to the public internet: not loopback, private, link-local (cloud
/// metadata), shared, multicast, reserved, documentation, nor IPv6 that stands for IPv4 (mapped,
/// translated, tunnelled).
bool is_public(const sockaddr& address);

/// "10.0.0.1", "fe80::1"; "an address of another family" for what is no IP address.
std::string address_text(const sockaddr& address);

}  // namespace slipway::http::detail
