// UUIDs (RFC 9562) as text: 36 characters, small digits.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace slipway {

inline constexpr std::size_t uuid_size = 36;
inline constexpr std::size_t uuid_digits = 32;

/// A random one (version 4).
std::string make_uuid(Random& random = system_random());
/// Digits of either case, dashes where they belong; any version.
bool is_uuid(std::string_view text);
/// 32 digits with the dashes between them.
std::string dashed_uuid(std::string digits);

}  // namespace slipway
