// What the configuration says of calling a model: keys, patience, limits, prices.
//
// These are parts of `ModelConfig`. The gateway acts on all of them; what is called without it
// (`slipway ask`) takes the first key and the price.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/json_schema.hpp"

namespace slipway::models {

struct WeightedKey {
  std::string key;    ///< "env:NAME" or "file:PATH"; never a literal.
  double weight = 1;  ///< Its share of the calls; above 0.
};
BOOST_DESCRIBE_STRUCT(WeightedKey, (), (key, weight))

/// Where the keys of a deployment are: one reference, or a list of {key, weight} to balance over.
class ApiKeys {
 public:
  ApiKeys() = default;
  ApiKeys(std::string reference) {
    if (!reference.empty()) items_.push_back({std::move(reference), 1});
  }
  ApiKeys(const char* reference) : ApiKeys(std::string(reference)) {}
  explicit ApiKeys(std::vector<WeightedKey> items) : items_(std::move(items)) {}

  bool empty() const { return items_.empty(); }
  /// The reference of the first; empty when there is none.
  std::string first() const { return items_.empty() ? std::string() : items_.front().key; }
  const std::vector<WeightedKey>& items() const { return items_; }
  /// Fails: invalid_argument; the message never shows what was written as a key.
  Result<void> validate() const;
  /// As it is written in a configuration.
  operator json::Value() const;

 private:
  std::vector<WeightedKey> items_;
};

struct CallTimeouts {
  std::string connect = "2s";
  std::string first_token = "30s";  ///< From the request to the first byte of the answer.
  std::string total = "10m";
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(CallTimeouts, (), (connect, first_token, total))

/// What a deployment takes from all of its callers together.
struct CallLimits {
  std::string requests;        ///< "600/min"; /s, /min, /h, /d; empty: no limit.
  std::string tokens;          ///< "200000/min"
  std::size_t concurrent = 0;  ///< 0: no limit.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(CallLimits, (), (requests, tokens, concurrent))

/// Dollars per million tokens.
struct PriceConfig {
  double input = 0;
  double output = 0;
  std::optional<double> cached_input;  ///< Absent: as `input`.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(PriceConfig, (), (input, output, cached_input))

/// When a deployment that fails is left alone for a while.
struct BreakerConfig {
  std::size_t failures = 5;   ///< In a row; 0: never.
  std::string pause = "15s";  ///< Then one call probes it; doubled by each failed probe, to 5 min.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(BreakerConfig, (), (failures, pause))

}  // namespace slipway::models

namespace slipway::json::detail {

template <>
struct Reader<models::ApiKeys> {
  static Result<models::ApiKeys> read(const Value& value, const std::string& path, Policy policy);
};

template <>
struct SchemaOf<models::ApiKeys> {
  static Object make() {
    return {{"anyOf", Array{SchemaOf<std::string>::make(),
                            SchemaOf<std::vector<models::WeightedKey>>::make()}}};
  }
};

}  // namespace slipway::json::detail
