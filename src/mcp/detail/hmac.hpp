// SHA-256 as bytes, and HMAC with it (RFC 2104).
#pragma once

#include <string>
#include <string_view>

namespace slipway::mcp::detail {

/// 32 bytes.
std::string sha256_bytes(std::string_view bytes);
/// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace slipway::mcp::detail
