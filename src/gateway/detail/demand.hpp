// What a call can cost at most: its tokens, counted or guessed, and the dearest of who may answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialects/codec.hpp"
#include "gateway/detail/deployment.hpp"
#include "trace/prices.hpp"

namespace slipway::gateway::detail {

/// What a caller asks for.
struct Demand {
  std::int64_t input_tokens = 0;
  std::optional<std::int64_t> output_tokens;  ///< Of one choice; absent: nobody limits it.
  std::int64_t choices = 1;
  bool has_output = false;        ///< Tokens are written, not only read.
  std::int64_t search_units = 0;  ///< Of a reranker.
};

/// The price of the most that it can take.
struct Estimate {
  bool is_priced = true;
  trace::Picodollars input_usd;
  trace::Price output_price;
  std::int64_t output_tokens = 0;
};
/// Of the candidate that is dearest. `call` has the tier and the time; `output_default` is what a
/// reply may take that nobody limits. A pipeline has no price of its own and counts as free.
Estimate estimate_of(const Demand& demand, const std::vector<DeploymentPtr>& candidates,
                     const CallRecord& call, const trace::PriceBook& book,
                     std::int64_t output_default);

/// Tokens of a body or a text, rather too many: four bytes each, one for each character beyond
/// ASCII. What is encoded (pictures, sounds) counts as one picture.
std::int64_t estimate_tokens(std::string_view text);

/// Bytes of what a frame of a stream says, whichever dialect it is in: text, reasoning, arguments.
/// As they are escaped, so rather too many.
std::size_t said_bytes(std::string_view data);

/// What a body of that dialect says of the length of its reply.
bool is_output_limit(dialects::Dialect dialect, std::string_view key);
/// The body with no longer a reply than that; `key` is how it is called where nothing is said.
std::string with_output_limit(std::string body, dialects::Dialect dialect, std::string_view key,
                              std::int64_t tokens);

}  // namespace slipway::gateway::detail
