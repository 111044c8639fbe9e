#include <doctest/doctest.h>

#include <filesystem>

#include "core/files.hpp"
#include "trace/detail/price_keys.hpp"
#include "trace/prices.hpp"

namespace slipway::trace {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

std::vector<PriceRow> shipped() {
  return must(read_litellm_table(
      must(read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "price_table.json")), "made up"));
}

std::string message(const Result<PriceRow>& result) {
  return result ? "" : result.error().message();
}

}  // namespace

TEST_CASE("a key is a price, a size and a tier, and nothing else") {
  const auto key =
      detail::parse_price_key("cache_creation_input_token_cost_above_1hr_above_200k_tokens_flex");
  REQUIRE(key);
  CHECK(key->base == "cache_creation_input_token_cost_above_1hr");
  CHECK(key->above == "_above_200k_tokens");
  CHECK(key->above_tokens == 200'000);
  CHECK(key->suffix == "_flex");
  CHECK(detail::parse_price_key("input_cost_per_token")->above.empty());
  CHECK(detail::parse_price_key("output_cost_per_token_batches")->suffix == "_batches");
  for (const char* other :
       {"", "input_cost_per_token_", "input_cost_per_token_cache_hit", "input_cost_per_tokens",
        "cache_creation_input_token_cost_above_12hr", "output_cost_per_token_ultrafast",
        "input_cost_per_token_above_k_tokens", "input_cost_per_token_above_-5k_tokens",
        "input_cost_per_token_above_99999999999k_tokens", "input_cost_per_image_above_128k_tokens",
        "input_cost_per_token_above_200k_tokens_above_300k_tokens", "max_tokens"})
    CHECK_MESSAGE(!detail::parse_price_key(other), other);
}

TEST_CASE("a search is charged where it is told, and nothing is free because nobody counted") {
  PriceRow row = *parse_price_row(
      R"({"input_cost_per_token":0,"output_cost_per_token":0,"input_cost_per_query":0.002})");
  Usage usage;
  usage.search_units = 3;
  const auto cost = cost_of(usage, row, "");
  REQUIRE(cost.has_value());
  CHECK(cost->total.value == 6'000'000'000);
  REQUIRE(cost->lines.size() == 1);
  CHECK(cost->lines[0].bucket == "searches");
  CHECK(cost->lines[0].tokens == 3);
  usage = {};
  usage.input_tokens = usage.total_tokens = 500;
  CHECK_FALSE(cost_of(usage, row, "").has_value());
  usage.search_units = 1;
  CHECK(cost_of(usage, row, "")->total.value == 2'000'000'000);
}

TEST_CASE("the table gives its rows of token prices, and no others") {
  std::vector<std::string> models;
  for (const PriceRow& one : shipped()) {
    models.push_back(one.model);
    CHECK(one.source == "made up");
    CHECK(one.price_id.starts_with("shipped-"));
  }
  CHECK(models == std::vector<std::string>{"nova-1", "terra-4", "vega-pro", "vega-flash",
                                           "orca-live", "plain-small", "steps-plus", "deep-2",
                                           "crumb", "dated-1", "dated-1-2025-02-02",
                                           "lumen/mist-large", "embed-1", "free-local", "rerank-1",
                                           "film-1", "noisy-1"});
  const PriceRow terra = shipped()[1];
  CHECK(terra.provider == "terralab");
  CHECK(terra.keys.size() == 13);
  CHECK(!terra.keys.contains("cache_creation_input_token_cost_above_12hr"));
}

TEST_CASE("a row of the table keeps its id as long as its prices stay") {
  const auto id = [](std::string_view text) {
    return must(read_litellm_table(text, "one")).front().price_id;
  };
  const std::string first = id(R"({"m": {"input_cost_per_token": 1e-06, "max_tokens": 5}})");
  CHECK(first == id(R"({"m": {"max_tokens": 6, "input_cost_per_token": 0.000001}})"));
  CHECK(first != id(R"({"m": {"input_cost_per_token": 2e-06}})"));
  CHECK(first != id(R"({"n": {"input_cost_per_token": 1e-06}})"));
}

TEST_CASE("ranges of prices become prices of sizes") {
  const PriceRow steps = must(parse_price_row(R"({"input_cost_per_token": 7e-06, "tiered_pricing": [
      {"range": [0, 32000.0], "input_cost_per_token": 3e-07, "note": 1},
      {"range": [32000, 1e6], "input_cost_per_token": 5e-07, "output_cost_per_token": null},
      {"max_results_range": [0, 5], "input_cost_per_query": 0.01}]})"));
  CHECK(price_row_json(steps) ==
        R"({"model":"","provider":"","source":"","input_cost_per_token":3e-07,)"
        R"("input_cost_per_token_above_32k_tokens":5e-07})");
  CHECK(message(parse_price_row(
            R"({"tiered_pricing": [{"range": [32768, 99999], "input_cost_per_token": 1}]})")) ==
        "tiered_pricing: a range begins at 32768, which is no number of whole thousands");
}

TEST_CASE("a row keeps every digit on its way out and in again") {
  const PriceRow read = must(parse_price_row(
      R"({"model": "a \"b\" é", "provider": "p", "price_id": "x", "valid_from": "y",
          "source": "own", "input_cost_per_token": "0.000000123456789012",
          "output_cost_per_token": 9, "cache_read_input_token_cost": null,
          "x": [{"input_cost_per_token": 5}]})"));
  CHECK(read.model == "a \"b\" é");
  CHECK(read.keys.at("input_cost_per_token").attodollars == 123'456'789'012);
  CHECK(read.keys.size() == 2);
  const PriceRow again = must(parse_price_row(price_row_json(read)));
  CHECK(again.model == read.model);
  CHECK(again.provider == "p");
  CHECK(again.source == "own");
  CHECK(again.keys == read.keys);
}

TEST_CASE("a wrong row is refused with what is wrong") {
  CHECK(message(parse_price_row(R"({"input_cost_per_token": -1e-06})")) ==
        "input_cost_per_token: '-1e-06' is not a price: negative; give dollars as a decimal, like "
        "2.5e-06");
  CHECK(message(parse_price_row(R"({"output_cost_per_token_flex": true})"))
            .starts_with("output_cost_per_token_flex: 'true' is not a price"));
  CHECK(!parse_price_row(R"({"input_cost_per_token": [1]})"));
  CHECK(!parse_price_row(R"({"input_cost_per_token": ""})"));
  CHECK(message(parse_price_row(R"({"max_tokens": 5})")) ==
        "the row has no price of tokens; give at least input_cost_per_token or "
        "output_cost_per_token in dollars");
  for (const char* text : {"", "[]", "null", "{", R"({"input_cost_per_token": 1e-06)",
                           R"({"input_cost_per_token": 1e-06} {})", "{\"a\": \"\xff\"}"})
    CHECK_MESSAGE(!parse_price_row(text), text);
  const auto table = read_litellm_table(R"({"m": {"input_cost_per_token": 12}})", "x");
  REQUIRE(!table);
  CHECK(table.error().message().starts_with("m: input_cost_per_token: '12' is not a price"));
  CHECK(!read_litellm_table("[]", "x"));
  CHECK(must(read_litellm_table(R"({"a": 5, "b": {}})", "x")).empty());
}

}  // namespace slipway::trace
