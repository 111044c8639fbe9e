#include "models/deployment.hpp"

#include <cmath>

#include "core/duration.hpp"
#include "core/rate.hpp"

namespace slipway::models {

namespace {

Error wrong(std::string_view field, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", field, what);
}

Result<void> check_time(std::string_view field, const std::string& text) {
  const auto time = TRY(parse_duration(text).within(field));
  if (time.count() == 0) return wrong(field, "must be longer than 0s");
  return {};
}

Result<void> check_rate(std::string_view field, const std::string& text) {
  if (!text.empty()) TRY(parse_rate(text).within(field));
  return {};
}

Result<void> check_dollars(std::string_view field, double dollars) {
  if (std::isfinite(dollars) && dollars >= 0) return {};
  return wrong(field, "a price is a number from 0");
}

}  // namespace

Result<void> ApiKeys::validate() const {
  for (const WeightedKey& item : items_) {
    if (!item.key.starts_with("env:") && !item.key.starts_with("file:"))
      return wrong("api_key", "write env:NAME or file:PATH, never the key itself");
    if (!(std::isfinite(item.weight) && item.weight > 0))
      return wrong("api_key", "a weight is a number above 0");
  }
  return {};
}

ApiKeys::operator json::Value() const {
  if (items_.empty()) return json::Value("");
  if (items_.size() == 1 && items_.front().weight == 1)
    return json::Value(boost::json::string(items_.front().key));
  return json::to(items_);
}

Result<void> CallTimeouts::validate() const {
  TRY(check_time("connect", connect));
  TRY(check_time("first_token", first_token));
  return check_time("total", total);
}

Result<void> CallLimits::validate() const {
  TRY(check_rate("requests", requests));
  return check_rate("tokens", tokens);
}

Result<void> PriceConfig::validate() const {
  TRY(check_dollars("input", input));
  TRY(check_dollars("output", output));
  return check_dollars("cached_input", cached_input.value_or(0));
}

Result<void> BreakerConfig::validate() const { return check_time("pause", pause); }

}  // namespace slipway::models

namespace slipway::json::detail {

Result<models::ApiKeys> Reader<models::ApiKeys>::read(const Value& value, const std::string& path,
                                                      Policy policy) {
  if (value.is_string()) return models::ApiKeys(std::string(value.get_string()));
  if (!value.is_array()) return expected(path, "a string or a list of {key, weight}", value);
  return models::ApiKeys(TRY(detail::read<std::vector<models::WeightedKey>>(value, path, policy)));
}

}  // namespace slipway::json::detail
