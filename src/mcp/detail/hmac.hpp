// HMAC with SHA-256 (RFC 2104), and comparing without telling where two texts differ.
#pragma once

#include <string>
#include <string_view>

namespace slipway::mcp::detail {

/// 32 bytes.
std::string sha256_bytes(std::string_view bytes);
/// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace slipway::mcp::detail
