// What a reply says that it consumed, in each vendor's words; and guesses where it says nothing.
#pragma once

#include <optional>
#include <string_view>

#include "dialects/codec.hpp"
#include "models/deployment.hpp"

namespace slipway::gateway::detail {

/// `value` is the JSON text of the member `usage`. Nothing when it is none.
std::optional<dialects::ChatUsage> parse_usage(dialects::Dialect dialect, std::string_view value);

/// Tokens of so many bytes of text, when nobody counts them: four bytes to a token.
std::int64_t guess_tokens(std::size_t bytes);

/// Dollars per million tokens.
double cost_usd(const models::PriceConfig& price, const dialects::ChatUsage& usage);

/// The declared price of well-known models by the name on the wire; nothing for others.
std::optional<models::PriceConfig> known_price(std::string_view model);

}  // namespace slipway::gateway::detail
