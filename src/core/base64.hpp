// Base64 (RFC 4648), plain and for URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway {

/// With '+' and '/', padded, in one line.
std::string base64(std::string_view bytes);
/// With '-' and '_', without padding.
std::string base64url(std::string_view bytes);
/// Reads either; padding may be missing. Nothing when it is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace slipway
