#include "agents/spending.hpp"

#include <cmath>

#include "agents/detail/records.hpp"

namespace slipway::agents {

Value spending_value(const Spending& spending) { return detail::encode_spending(spending); }

std::optional<Spending> read_spending(const Value& value) {
  auto spending = detail::decode_spending(value);
  if (!spending) return spending;
  models::Usage& usage = spending->usage;
  for (std::int64_t* count : {&usage.input_tokens, &usage.output_tokens, &usage.cached_input_tokens,
                              &usage.embedding_tokens, &usage.rerank_tokens, &usage.search_units}) {
    constexpr std::int64_t count_max = 1'000'000'000'000;  // Sums of them stay numbers.
    *count = std::clamp<std::int64_t>(*count, 0, count_max);
  }
  constexpr double usd_max = 1e9;
  spending->usd = std::isfinite(spending->usd) ? std::clamp(spending->usd, 0.0, usd_max) : 0;
  return spending;
}

}  // namespace slipway::agents
