// What a call cost: usage in disjoint buckets times the price row that held when it was made.
//
// Rows have the keys of LiteLLM's table (MIT), read as decimals. Own rows go before the shipped
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
  Nanoseconds valid_from = 0;  ///< 0: since ever.
  std::string source;          ///< "litellm 1.109.1", "own", "slipway.yaml"
  /// "input_cost_per_token_above_200k_tokens_batches" ...: a price, above how much input, a tier.
  std::map<std::string, Price, std::less<>> keys;
};

/// From the JSON of a row, also of one that `price_row_json` wrote: model, provider (or
/// "litellm_provider"), source and the prices of tokens, numbers or strings, with every digit.
/// "tiered_pricing" becomes keys of "above". Other keys and nulls are left out; price_id and
/// valid_from are the caller's. Fails: invalid_argument naming the key (no price at all, one that
/// `parse_price` refuses).
Result<PriceRow> parse_price_row(std::string_view json_text);
/// model, provider, source and the prices as exact JSON numbers, on one line.
std::string price_row_json(const PriceRow& row);

struct CostLine {
  /// input cache_read cache_write cache_write_1h input_audio output reasoning output_audio; and
  /// time, whose "tokens" are milliseconds, and searches, whose "tokens" are search units.
  std::string bucket;
  std::int64_t tokens = 0;
  Price usd_per_token;
  Picodollars usd;
};

struct Cost {
  Picodollars total;
  std::vector<CostLine> lines;    ///< Without those of no tokens. What the table says.
  std::string price_id;           ///< Of the row of the lines. Empty: no row is known.
  std::string tier = "standard";  ///< "batch+above_200k": what the lines took.
  bool is_from_client = false;
  std::optional<Picodollars> priced;  ///< Beside the client's: the sum of the lines.
};

/// The sum of its lines is the total. `service_tier` is batch, flex or priority; others are
/// standard. Parts that exceed their whole are cut, so that lines never have more tokens than the
/// whole. Absent: tokens that the row has no price for, or a total of which nobody said what is
/// input.
/// A row with "cost_per_call_second" charges for `milliseconds` too, for tokens what it says; one
/// with "input_cost_per_query" charges for search units. Absent, too: it does, tokens cost nothing,
/// and no units were told.
std::optional<Cost> cost_of(const Usage& usage, const PriceRow& row, std::string_view service_tier,
                            std::int64_t milliseconds = 0);

/// What the client says goes before what the table says, which stays beside it. A client that says
/// nothing usable changes nothing.
std::optional<Cost> with_client_cost(std::optional<Cost> priced, const SentCost& sent);

/// The wire form: total_usd, lines, price_id, tier, source; priced_usd beside a client's.
json::Value to_json(const Cost& cost);

/// One revision of all rows; never changes, safe to use from many threads. Copies share the rows;
/// pointers to them hold as long as one of the copies.
class PriceBook {
 public:
  /// `own` before `shipped`: any row of `own` that matches, by whatever rule. Of rows of one model
  /// and time the last one holds.
  PriceBook(std::vector<PriceRow> shipped, std::vector<PriceRow> own);
  /// The same shipped rows, which are shared and not copied, behind other own ones.
  PriceBook with_own(std::vector<PriceRow> own) const;
  /// What holds for a call of that time: exact name, then "provider/name", then both without a
  /// date suffix ("-2024-08-06", "-20240806", "@20240806"); last "provider/name" for a row of
  /// that name and that provider. Null: unknown.
  const PriceRow* find(std::string_view model, std::string_view provider, Nanoseconds time) const;
  /// The first of `models` that is known: the one that answered before the one asked for. Own rows
  /// of all of them go before shipped ones.
  const PriceRow* find_first(const std::vector<std::string>& models, std::string_view provider,
                             Nanoseconds time) const;
  /// All rows of exactly that name, newest first, own before shipped; of all models, then by name,
  /// when it is empty.
  std::vector<const PriceRow*> rows(std::string_view model) const;

 private:
  struct Table;
  explicit PriceBook(std::shared_ptr<const Table> shipped) : shipped_(std::move(shipped)) {}
  std::shared_ptr<const Table> shipped_, own_;
};

/// LiteLLM's file: an object of rows by model. Left out are "sample_spec", rows without a price of
/// tokens or searches, and those that say tokens are free because they charge by second or picture.
/// `source` names the version. Fails: invalid_argument naming model and key.
Result<std::vector<PriceRow>> read_litellm_table(std::string_view json_text, std::string source);

}  // namespace slipway::trace
