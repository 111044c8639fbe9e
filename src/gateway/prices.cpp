#include "gateway/prices.hpp"

#include <cmath>

#include "models/remote_api.hpp"
#include "trace/own_prices.hpp"

namespace slipway::gateway {

namespace {

constexpr std::string_view pipeline_provider = "pipeline";

/// Dollars for a million tokens.
trace::Price price_of(double per_million) {
  constexpr double attodollars = 1e12;
  constexpr double most = 9e18;
  return {static_cast<std::int64_t>(std::llround(std::min(per_million * attodollars, most)))};
}

std::optional<models::PriceConfig> price_of(const models::ModelConfig& config) {
  if (config.price) return config.price;
  if (!config.input_usd_per_million && !config.output_usd_per_million &&
      !config.usd_per_thousand_searches)
    return {};
  return models::PriceConfig{
      config.input_usd_per_million.value_or(0), config.output_usd_per_million.value_or(0), {}};
}

/// Dollars for a thousand searches.
trace::Price price_of_searches(double per_thousand) {
  constexpr double thousand = 1e3;
  return price_of(per_thousand * thousand);
}

trace::PriceRow row_of(const models::PriceConfig& price, std::string_view source) {
  trace::PriceRow row;
  row.source = source;
  row.keys.emplace("input_cost_per_token", price_of(price.input));
  row.keys.emplace("output_cost_per_token", price_of(price.output));
  if (price.cached_input)
    row.keys.emplace("cache_read_input_token_cost", price_of(*price.cached_input));
  return row;
}

void add(std::vector<trace::PriceRow>& rows, trace::PriceRow row, const std::string& model) {
  row.model = model;
  row.price_id = trace::declared_price_id(row);
  rows.push_back(std::move(row));
}

}  // namespace

std::vector<trace::PriceRow> declared_prices(
    const std::map<std::string, models::ModelConfig>& models,
    const std::vector<models::ModelInfo>& installed) {
  std::vector<trace::PriceRow> rows;
  const auto declare = [&](const std::string& name, models::Provider provider,
                           const models::ModelConfig& config) {
    const std::optional<models::PriceConfig> price = price_of(config);
    if (!price && models::is_remote(provider)) return;
    trace::PriceRow row = row_of(price.value_or(models::PriceConfig()),
                                 price ? "slipway.yaml" : "runs on this machine");
    if (config.usd_per_thousand_searches)
      row.keys.emplace("input_cost_per_query",
                       price_of_searches(*config.usd_per_thousand_searches));
    row.provider = json::name(provider);
    add(rows, row, fmt::format("{}/{}", row.provider, name));
    if (price || provider != models::Provider::scripted) add(rows, row, name);
  };
  for (const auto& [name, config] : models) declare(name, config.provider, config);
  for (const models::ModelInfo& info : installed)
    if (info.state == "installed" && !models.contains(info.name))
      declare(info.name, info.provider, {});
  return rows;
}

ModelNames names_of(const std::string& name, const models::ModelConfig& config) {
  ModelNames names;
  names.provider = json::name(config.provider);
  names.wire_model = config.model.empty() ? name : config.model;
  const bool has_own_price = price_of(config) || !models::is_remote(config.provider);
  names.priced_model = has_own_price ? name : names.wire_model;
  return names;
}

trace::SentUsage sent_usage(const CallRecord& record) {
  trace::SentUsage sent;
  const dialects::ChatUsage& usage = record.usage;
  const std::int64_t searches = record.more_usage.search_units;
  if (usage.input_tokens == 0 && usage.output_tokens == 0 && searches == 0) return sent;
  const auto part = [](std::int64_t tokens) {
    return tokens == 0 ? std::nullopt : std::optional(tokens);
  };
  sent.input = usage.input_tokens;
  sent.output = usage.output_tokens;
  sent.cache_read = part(usage.cached_input_tokens);
  sent.cache_write = part(usage.cache_write_tokens);
  sent.cache_write_1h = part(record.more_usage.cache_write_1h_tokens);
  sent.reasoning = part(usage.reasoning_tokens);
  sent.input_audio = part(record.more_usage.input_audio_tokens);
  sent.output_audio = part(record.more_usage.output_audio_tokens);
  sent.search_units = part(searches);
  sent.source =
      record.usage_estimated ? trace::UsageSource::estimated : trace::UsageSource::provider;
  return sent;
}

std::optional<trace::Cost> cost_of(const CallRecord& record, const trace::PriceBook& book) {
  if (record.cache == CacheResult::hit || record.cache == CacheResult::semantic)
    return trace::Cost();
  if (record.provider.empty() || record.provider == pipeline_provider) return {};
  const std::string& model =
      record.answered_model.empty() ? record.wire_model : record.answered_model;
  const trace::PriceRow* row = book.find_first({model, record.priced_model}, record.provider,
                                               trace::nanoseconds(record.began));
  if (row == nullptr) return {};
  constexpr double per_second = 1000;
  return trace::cost_of(trace::inclusive_usage(sent_usage(record)).usage, *row, record.service_tier,
                        static_cast<std::int64_t>(record.seconds * per_second));
}

}  // namespace slipway::gateway
