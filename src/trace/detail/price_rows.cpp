// Price rows from JSON text. The numbers are read as they are written: as doubles they would not be
// the decimals any more.
#include <algorithm>
#include <cmath>

#include "core/files.hpp"
#include "core/json_members.hpp"
#include "trace/detail/price_keys.hpp"
#include "trace/prices.hpp"

namespace slipway::trace {

namespace {

/// A row while it is read.
struct Reading {
  PriceRow row;
  bool has_other_price = false;  ///< By search, second, picture: not nothing.
};

Result<Price> price_in(std::string_view key, std::string_view value) {
  const bool is_text = value.front() == '"';
  return parse_price(is_text ? json::unquoted(value) : std::string(value)).within(key);
}

/// One of "tiered_pricing": what its range begins with becomes a key of "above". Those without a
/// range are of searches, not of tokens.
Result<void> take_tier(PriceRow& row, std::string_view tier) {
  const std::string_view range = json::member(tier, "range");
  std::string_view begin;
  if (!json::Items(range).next(begin)) return {};
  const auto parsed = json::parse(begin);
  const double tokens = parsed && parsed->is_number() ? parsed->to_number<double>() : -1;
  constexpr double thousand = 1000;
  constexpr double tokens_max = 1e9;
  const double thousands = tokens / thousand;
  if (!(tokens >= 0 && tokens <= tokens_max) || std::floor(thousands) != thousands)
    return fail(Code::invalid_argument,
                "tiered_pricing: a range begins at {}, which is no number of whole thousands",
                begin);
  json::Members members(tier);
  for (json::Member one; members.next(one);) {
    const auto key = detail::parse_price_key(one.key);
    if (!key || key->base != one.key || one.value == "null") continue;
    const Price price = TRY(price_in(one.key, one.value));
    row.keys.insert_or_assign(tokens == 0
                                  ? std::string(one.key)
                                  : fmt::format("{}_above_{:.0f}k_tokens", one.key, thousands),
                              price);
  }
  return {};
}

Result<void> take_tiers(PriceRow& row, std::string_view tiers) {
  json::Items items(tiers);
  for (std::string_view tier; items.next(tier);) TRY(take_tier(row, tier));
  return {};
}

bool is_other_price(const json::Member& one) {
  if (one.key.find("cost") == std::string_view::npos) return false;
  const auto price = parse_price(one.value);
  return price && price->attodollars > 0;
}

/// `text` is an object, and valid.
Result<Reading> read_row(std::string_view text) {
  Reading reading;
  PriceRow& row = reading.row;
  json::Members members(text);
  for (json::Member one; members.next(one);) {
    if (one.value == "null") continue;
    if (one.key == "model")
      row.model = json::unquoted(one.value);
    else if (one.key == "provider" || one.key == "litellm_provider")
      row.provider = json::unquoted(one.value);
    else if (one.key == "source")
      row.source = json::unquoted(one.value);
    else if (detail::parse_price_key(one.key))
      row.keys.insert_or_assign(std::string(one.key), TRY(price_in(one.key, one.value)));
    else if (is_other_price(one))
      reading.has_other_price = true;
  }
  // After the others: where both are told, the row's own price is that of the first tier.
  TRY(take_tiers(row, json::member(text, "tiered_pricing")));
  return reading;
}

bool is_free(const PriceRow& row) {
  return std::all_of(row.keys.begin(), row.keys.end(),
                     [](const auto& key) { return key.second.attodollars == 0; });
}

/// The same words for the same prices, in whatever version of the table.
std::string content_id(const PriceRow& row) {
  PriceRow content = row;
  content.source.clear();
  constexpr std::string_view algorithm = "sha256:";
  constexpr std::size_t digits = 16;
  return "shipped-" + sha256(price_row_json(content)).substr(algorithm.size(), digits);
}

Result<void> check_object(std::string_view text, std::string_view what) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{' || !json::is_valid(text))
    return fail(Code::invalid_argument, "{} is not a JSON object", what);
  return {};
}

}  // namespace

Result<PriceRow> parse_price_row(std::string_view json_text) {
  TRY(check_object(json_text, "the price row"));
  Reading reading = TRY(read_row(json_text));
  if (reading.row.keys.empty())
    return fail(Code::invalid_argument,
                "the row has no price of tokens; give at least {} or {} in dollars",
                detail::input_key, detail::output_key);
  return std::move(reading.row);
}

std::string price_row_json(const PriceRow& row) {
  std::string text =
      fmt::format(R"({{"model":{},"provider":{},"source":{})", json::quoted(row.model),
                  json::quoted(row.provider), json::quoted(row.source));
  for (const auto& [key, price] : row.keys)
    text += fmt::format(",{}:{}", json::quoted(key), price.text());
  return text + "}";
}

Result<std::vector<PriceRow>> read_litellm_table(std::string_view json_text, std::string source) {
  TRY(check_object(json_text, "the price table"));
  std::vector<PriceRow> rows;
  json::Members members(json_text);
  for (json::Member one; members.next(one);) {
    if (one.key == "sample_spec" || one.value.front() != '{') continue;
    std::string model = json::unquoted(fmt::format("\"{}\"", one.key));
    Reading reading = TRY(read_row(one.value).within(model));
    PriceRow& row = reading.row;
    if (row.keys.empty() || (reading.has_other_price && is_free(row))) continue;
    row.model = std::move(model);
    row.source = source;
    row.price_id = content_id(row);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace slipway::trace
