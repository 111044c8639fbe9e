// What a call cost: usage in disjoint buckets times the price row that held when it was made.
//
// Rows have the keys of LiteLLM's table (MIT), read as decimals. An own row goes before the shipped
// table; the row of the latest `valid_from` that is not after the call holds.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/money.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct PriceRow {
  std::string price_id;  ///< Never used twice.
  std::string model;     ///< "gpt-4o", "anthropic/claude-3-5-sonnet"
  std::string provider;
  Nanoseconds valid_from = 0;
  std::string source;                 ///< "litellm 1.109.1", "own", "slipway.yaml"
  std::map<std::string, Price> keys;  ///< "input_cost_per_token_above_200k_tokens" ...
};

/// From the JSON of a row: unknown keys and keys without a number are left out, numbers keep every
/// digit. Fails: invalid_argument (no price at all, a negative one).
Result<PriceRow> parse_price_row(std::string_view json_text);

struct CostLine {
  std::string bucket;  ///< input cache_read cache_write cache_write_1h input_audio output reasoning
                       ///< output_audio
  std::int64_t tokens = 0;
  Price usd_per_token;
  Picodollars usd;
};

struct Cost {
  Picodollars total;
  std::vector<CostLine> lines;    ///< Without those of no tokens.
  std::string price_id;           ///< Empty: the client's own.
  std::string tier = "standard";  ///< "batch+above_200k"
  bool is_from_client = false;
  std::optional<Picodollars> priced;  ///< Beside the client's: what the table says.
};

/// The sum of its lines is the total.
Cost cost_of(const Usage& usage, const PriceRow& row, std::string_view service_tier);

/// The wire form: total_usd, lines, price_id, tier, source, priced_usd.
json::Value to_json(const Cost& cost);

/// One revision of all rows; never changes, safe to use from many threads.
class PriceBook {
 public:
  /// `own` before `shipped`.
  PriceBook(std::vector<PriceRow> shipped, std::vector<PriceRow> own);
  /// What holds for a call of that time: exact name, then "provider/name", then both without a
  /// date suffix ("-2024-08-06", "-20240806", "@20240806"). Null: unknown.
  const PriceRow* find(std::string_view model, std::string_view provider, Nanoseconds time) const;
  /// The first of `models` that is known: the one that answered before the one asked for.
  const PriceRow* find_first(const std::vector<std::string>& models, std::string_view provider,
                             Nanoseconds time) const;
  /// All rows of a model, newest first; of all models when it is empty.
  std::vector<const PriceRow*> rows(std::string_view model) const;

 private:
  struct Entry;
  std::shared_ptr<const Entry> entry_;
};

/// LiteLLM's file: an object of rows by model, "sample_spec" and rows without a token price left
/// out; `source` names the version. Fails: invalid_argument.
Result<std::vector<PriceRow>> read_litellm_table(std::string_view json_text, std::string source);

}  // namespace slipway::trace
