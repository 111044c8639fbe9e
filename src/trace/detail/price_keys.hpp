// How LiteLLM's table spells what a token costs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace slipway::trace::detail {

/// The prices that exist, without suffixes.
inline constexpr std::string_view input_key = "input_cost_per_token";
inline constexpr std::string_view cache_read_key = "cache_read_input_token_cost";
inline constexpr std::string_view cache_write_key = "cache_creation_input_token_cost";
inline constexpr std::string_view cache_write_1h_key = "cache_creation_input_token_cost_above_1hr";
inline constexpr std::string_view input_audio_key = "input_cost_per_audio_token";
inline constexpr std::string_view output_key = "output_cost_per_token";
inline constexpr std::string_view reasoning_key = "output_cost_per_reasoning_token";
inline constexpr std::string_view output_audio_key = "output_cost_per_audio_token";

/// Ours: of a second that a call takes. (The table's own seconds are of audio, or of a
/// reservation.)
inline constexpr std::string_view second_key = "cost_per_call_second";

/// Of what rerankers count: a question with up to a hundred documents.
inline constexpr std::string_view search_key = "input_cost_per_query";

inline constexpr std::array<std::string_view, 10> base_keys{
    input_key,  cache_read_key, cache_write_key,  cache_write_1h_key, input_audio_key,
    output_key, reasoning_key,  output_audio_key, second_key,         search_key};

struct ServiceTier {
  std::string_view name, suffix;
};
inline constexpr std::array<ServiceTier, 3> service_tiers{
    ServiceTier{"batch", "_batches"}, {"flex", "_flex"}, {"priority", "_priority"}};

/// A key taken apart: "input_cost_per_token" "_above_200k_tokens" "_batches".
struct PriceKey {
  std::string_view base;
  std::string_view above;         ///< Empty: none.
  std::int64_t above_tokens = 0;  ///< 200000
  std::string_view suffix;        ///< Of the tier. Empty: none.
};
/// Absent: no price of tokens, or a suffix that is none of these.
std::optional<PriceKey> parse_price_key(std::string_view key);

}  // namespace slipway::trace::detail
