#include "trace/detail/price_keys.hpp"

#include <charconv>

namespace slipway::trace::detail {

namespace {

constexpr std::string_view above_begin = "_above_";
constexpr std::string_view above_end = "k_tokens";

/// Takes "_above_200k_tokens" off the front of `rest`.
bool take_above(std::string_view& rest, PriceKey& key) {
  if (!rest.starts_with(above_begin)) return false;
  const std::string_view number = rest.substr(above_begin.size());
  std::int32_t thousands = 0;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), thousands);
  const auto digits = static_cast<std::size_t>(end - number.data());
  if (error != std::errc() || thousands < 0 || !number.substr(digits).starts_with(above_end))
    return false;
  const std::size_t length = above_begin.size() + digits + above_end.size();
  constexpr std::int64_t thousand = 1000;
  key.above = rest.substr(0, length);
  key.above_tokens = thousands * thousand;
  rest.remove_prefix(length);
  return true;
}

}  // namespace

std::optional<PriceKey> parse_price_key(std::string_view key) {
  PriceKey parts;
  // The longest that fits: one base is the beginning of another.
  for (const std::string_view base : base_keys)
    if (key.starts_with(base) && base.size() > parts.base.size()) parts.base = base;
  if (parts.base.empty()) return {};
  std::string_view rest = key.substr(parts.base.size());
  take_above(rest, parts);
  if (rest.empty()) return parts;
  for (const ServiceTier& tier : service_tiers)
    if (rest == tier.suffix) {
      parts.suffix = tier.suffix;
      return parts;
    }
  return {};
}

}  // namespace slipway::trace::detail
