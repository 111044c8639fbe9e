// A call's tokens in disjoint buckets, each times the price that its tier and its size give it.
#include <algorithm>
#include <array>

#include "trace/detail/price_keys.hpp"
#include "trace/prices.hpp"

namespace slipway::trace {

namespace {

using detail::PriceKey;
using detail::ServiceTier;

/// A bucket and the keys of its price, the first that the row has.
struct Bucket {
  std::string_view name;
  std::array<std::string_view, 3> keys;  ///< Empty ones at the end.
};
constexpr std::array<Bucket, 8> buckets{{
    {"input", {detail::input_key}},
    {"cache_read", {detail::cache_read_key, detail::input_key}},
    {"cache_write", {detail::cache_write_key, detail::input_key}},
    {"cache_write_1h", {detail::cache_write_1h_key, detail::cache_write_key, detail::input_key}},
    {"input_audio", {detail::input_audio_key, detail::input_key}},
    {"output", {detail::output_key}},
    {"reasoning", {detail::reasoning_key, detail::output_key}},
    {"output_audio", {detail::output_audio_key, detail::output_key}},
}};

/// Tokens of each of `buckets`. Their sum is input and output.
std::array<std::int64_t, buckets.size()> split(const Usage& usage) {
  std::int64_t input = std::max<std::int64_t>(usage.input_tokens, 0);
  std::int64_t output = std::max<std::int64_t>(usage.output_tokens, 0);
  const auto take = [](std::int64_t part, std::int64_t& whole) {
    part = std::clamp<std::int64_t>(part, 0, whole);
    whole -= part;
    return part;
  };
  const std::int64_t read = take(usage.cache_read_tokens, input);
  std::int64_t written = take(usage.cache_write_tokens, input);
  const std::int64_t written_1h = take(usage.cache_write_1h_tokens, written);
  const std::int64_t heard = take(usage.input_audio_tokens, input);
  const std::int64_t thought = take(usage.reasoning_tokens, output);
  const std::int64_t spoken = take(usage.output_audio_tokens, output);
  return {input, read, written, written_1h, heard, output, thought, spoken};
}

/// The prices of a row for calls of one tier and size.
class Tariff {
 public:
  Tariff(const PriceRow& row, std::string_view service_tier, std::int64_t input_tokens)
      : row_(row) {
    for (const ServiceTier& tier : detail::service_tiers)
      if (service_tier == tier.name) tier_ = tier;
    for (const auto& [text, price] : row.keys)
      if (text.find("k_tokens") != std::string::npos) add_above(text, input_tokens);
    std::sort(above_.begin(), above_.end(),
              [](const Above& a, const Above& b) { return a.tokens > b.tokens; });
  }

  /// The first of `keys` that the row has in any form. Remembers what was applied.
  std::optional<Price> price(const Bucket& bucket) {
    for (const std::string_view key : bucket.keys) {
      if (key.empty()) break;
      for (const Above& above : above_)
        if (const auto found = with_tier(key, above.suffix)) {
          applied_above_ = std::max(applied_above_, above.tokens);
          return found;
        }
      if (const auto found = with_tier(key, {})) return found;
    }
    return {};
  }

  /// "standard", "batch", "above_200k", "batch+above_200k": what `price` has used.
  std::string applied() const {
    std::string name(is_tier_applied_ ? tier_.name : std::string_view());
    constexpr std::int64_t thousand = 1000;
    if (applied_above_ > 0)
      name += fmt::format("{}above_{}k", name.empty() ? "" : "+", applied_above_ / thousand);
    return name.empty() ? "standard" : name;
  }

 private:
  struct Above {
    std::int64_t tokens = 0;
    std::string_view suffix;  ///< Of a key of the row.
  };

  void add_above(std::string_view text, std::int64_t input_tokens) {
    const auto key = detail::parse_price_key(text);
    if (!key || key->above.empty() || input_tokens <= key->above_tokens) return;
    const auto is_same = [&](const Above& above) { return above.suffix == key->above; };
    if (std::none_of(above_.begin(), above_.end(), is_same))
      above_.push_back({key->above_tokens, key->above});
  }

  std::optional<Price> with_tier(std::string_view key, std::string_view above) {
    if (!tier_.suffix.empty())
      if (const auto found = at(key, above, tier_.suffix)) {
        is_tier_applied_ = true;
        return found;
      }
    return at(key, above, {});
  }

  std::optional<Price> at(std::string_view key, std::string_view above, std::string_view suffix) {
    key_.assign(key).append(above).append(suffix);
    const auto found = row_.keys.find(key_);
    return found == row_.keys.end() ? std::nullopt : std::optional(found->second);
  }

  const PriceRow& row_;
  ServiceTier tier_;
  std::vector<Above> above_;  ///< That the call is above, the highest first.
  bool is_tier_applied_ = false;
  std::int64_t applied_above_ = 0;
  std::string key_;  ///< Kept for its memory.
};

void add_time(Cost& cost, const PriceRow& row, std::int64_t milliseconds) {
  const auto found = row.keys.find(detail::second_key);
  if (found == row.keys.end() || milliseconds <= 0) return;
  constexpr std::int64_t per_second = 1000;
  const Price price{found->second.attodollars / per_second};
  const Picodollars usd = price.times(milliseconds);
  cost.lines.push_back({"time", milliseconds, price, usd});
  cost.total += usd;
}

/// False: it charges by search, and nobody said how many there were.
bool add_searches(Cost& cost, const PriceRow& row, std::int64_t units) {
  const auto found = row.keys.find(detail::search_key);
  if (found == row.keys.end()) return true;
  if (units <= 0) return found->second.attodollars == 0 || cost.total.value > 0;
  const Picodollars usd = found->second.times(units);
  cost.lines.push_back({"searches", units, found->second, usd});
  cost.total += usd;
  return true;
}

}  // namespace

std::optional<Cost> cost_of(const Usage& usage, const PriceRow& row, std::string_view service_tier,
                            std::int64_t milliseconds) {
  const auto tokens = split(usage);
  Cost cost;
  cost.price_id = row.price_id;
  Tariff tariff(row, service_tier, usage.input_tokens);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (tokens[i] == 0) continue;
    const auto price = tariff.price(buckets[i]);
    if (!price && (row.keys.contains(detail::second_key) || row.keys.contains(detail::search_key)))
      continue;
    if (!price) return {};
    const Picodollars usd = price->times(tokens[i]);
    cost.lines.push_back({std::string(buckets[i].name), tokens[i], *price, usd});
    cost.total += usd;
  }
  add_time(cost, row, milliseconds);
  if (!add_searches(cost, row, usage.search_units)) return {};
  if (cost.lines.empty() && usage.total_tokens > 0) return {};
  cost.tier = tariff.applied();
  return cost;
}

std::optional<Cost> with_client_cost(std::optional<Cost> priced, const SentCost& sent) {
  Picodollars total;
  const auto add = [&](const std::optional<double>& dollars) {
    const auto said = dollars ? picodollars(*dollars) : Result<Picodollars>(Picodollars());
    if (said) total += *said;
    return dollars && said;
  };
  bool is_told = add(sent.total);
  if (!is_told) {
    const bool has_input = add(sent.input);
    const bool has_output = add(sent.output);
    is_told = has_input || has_output;
  }
  if (!is_told) return priced;
  Cost cost;
  if (priced) {
    cost = *std::move(priced);
    cost.priced = cost.total;
  }
  cost.total = total;
  cost.is_from_client = true;
  return cost;
}

json::Value to_json(const Cost& cost) {
  json::Array lines;
  for (const CostLine& line : cost.lines)
    lines.push_back(json::Object{{"bucket", line.bucket},
                                 {"tokens", line.tokens},
                                 {"usd_per_token", line.usd_per_token.dollars()},
                                 {"usd", line.usd.dollars()}});
  json::Object object{{"total_usd", cost.total.dollars()}, {"lines", std::move(lines)}};
  object["price_id"] = cost.price_id.empty() ? json::Value() : json::Value(cost.price_id);
  object["tier"] = cost.tier;
  object["source"] = cost.is_from_client ? "client" : "priced";
  if (cost.is_from_client)
    object["priced_usd"] = cost.priced ? json::Value(cost.priced->dollars()) : json::Value();
  return object;
}

}  // namespace slipway::trace
