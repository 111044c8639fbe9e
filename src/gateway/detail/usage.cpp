#include "gateway/detail/usage.hpp"

#include <algorithm>

#include "core/json.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::ChatUsage;
using dialects::Dialect;

const json::Object* object_at(const json::Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

std::int64_t count_at(const json::Object* object, std::string_view key) {
  if (object == nullptr) return 0;
  const auto* value = object->if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  constexpr double tokens_max = 1e12;
  return static_cast<std::int64_t>(std::clamp(value->to_number<double>(), 0.0, tokens_max));
}

ChatUsage of_openai(const json::Object& usage) {
  ChatUsage out;
  out.input_tokens = count_at(&usage, "prompt_tokens");
  out.output_tokens = count_at(&usage, "completion_tokens");
  out.cached_input_tokens = count_at(object_at(usage, "prompt_tokens_details"), "cached_tokens");
  out.reasoning_tokens =
      count_at(object_at(usage, "completion_tokens_details"), "reasoning_tokens");
  return out;
}

ChatUsage of_responses(const json::Object& usage) {
  ChatUsage out;
  out.input_tokens = count_at(&usage, "input_tokens");
  out.output_tokens = count_at(&usage, "output_tokens");
  out.cached_input_tokens = count_at(object_at(usage, "input_tokens_details"), "cached_tokens");
  out.reasoning_tokens = count_at(object_at(usage, "output_tokens_details"), "reasoning_tokens");
  return out;
}

/// Anthropic counts what was cached beside the rest, not within it.
ChatUsage of_anthropic(const json::Object& usage) {
  ChatUsage out;
  out.cached_input_tokens = count_at(&usage, "cache_read_input_tokens");
  out.cache_write_tokens = count_at(&usage, "cache_creation_input_tokens");
  out.input_tokens =
      count_at(&usage, "input_tokens") + out.cached_input_tokens + out.cache_write_tokens;
  out.output_tokens = count_at(&usage, "output_tokens");
  return out;
}

ChatUsage of_cohere(const json::Object& usage) {
  const json::Object* tokens = object_at(usage, "tokens");
  if (tokens == nullptr) tokens = object_at(usage, "billed_units");
  ChatUsage out;
  out.input_tokens = count_at(tokens, "input_tokens");
  out.output_tokens = count_at(tokens, "output_tokens");
  return out;
}

struct KnownPrice {
  std::string_view model;  ///< Also of dated names: "gpt-4o-2024-08-06".
  double input, output, cached_input;
};

// List prices in dollars per million tokens, as of November 2026; what is cheaper by contract is
// declared under `price`.
constexpr KnownPrice known_prices[] = {
#include "gateway/detail/prices.inc"
};

bool is_dated(std::string_view rest) {
  return rest.empty() ||
         (rest.front() == '-' &&
          std::all_of(rest.begin() + 1, rest.end(),
                      [](char c) { return (c >= '0' && c <= '9') || c == '-'; }) &&
          rest.size() > 4) ||
         rest == "-latest";
}

}  // namespace

std::optional<ChatUsage> parse_usage(Dialect dialect, std::string_view value) {
  if (value.empty() || value.front() != '{') return {};
  const auto parsed = json::parse(value);
  if (!parsed || !parsed->is_object()) return {};
  const json::Object& usage = parsed->get_object();
  switch (dialect) {
    case Dialect::openai:
    case Dialect::openai_completions: return of_openai(usage);
    case Dialect::openai_responses: return of_responses(usage);
    case Dialect::anthropic: return of_anthropic(usage);
    case Dialect::cohere: return of_cohere(usage);
  }
  return {};
}

std::int64_t guess_tokens(std::size_t bytes) {
  constexpr std::size_t bytes_per_token = 4;
  return static_cast<std::int64_t>((bytes + bytes_per_token - 1) / bytes_per_token);
}

double cost_usd(const models::PriceConfig& price, const dialects::ChatUsage& usage) {
  constexpr double million = 1e6;
  const auto cached = static_cast<double>(std::min(usage.cached_input_tokens, usage.input_tokens));
  const auto fresh = static_cast<double>(usage.input_tokens) - cached;
  return (fresh * price.input + cached * price.cached_input.value_or(price.input) +
          static_cast<double>(usage.output_tokens) * price.output) /
         million;
}

std::optional<models::PriceConfig> known_price(std::string_view model) {
  const KnownPrice* best = nullptr;
  for (const KnownPrice& known : known_prices)
    if (model.starts_with(known.model) && is_dated(model.substr(known.model.size())) &&
        (best == nullptr || known.model.size() > best->model.size()))
      best = &known;
  if (best == nullptr) return {};
  return models::PriceConfig{best->input, best->output, best->cached_input};
}

}  // namespace slipway::gateway::detail
