// What a reply says that it consumed, in each vendor's words; and guesses where it says nothing.
#pragma once

#include <optional>
#include <string_view>

#include "dialects/codec.hpp"
#include "gateway/record.hpp"

namespace slipway::gateway::detail {

/// `value` is the JSON text of the member `usage`. Nothing when it is none; `more` is then as it
/// was.
std::optional<dialects::ChatUsage> parse_usage(dialects::Dialect dialect, std::string_view value,
                                               MoreUsage* more = nullptr);

/// Tokens of so many bytes of text, when nobody counts them: four bytes to a token.
std::int64_t guess_tokens(std::size_t bytes);

}  // namespace slipway::gateway::detail
