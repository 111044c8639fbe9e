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

MoreUsage more_of(const json::Object& usage) {
  MoreUsage more;
  more.cache_write_1h_tokens =
      count_at(object_at(usage, "cache_creation"), "ephemeral_1h_input_tokens");
  more.input_audio_tokens = count_at(object_at(usage, "prompt_tokens_details"), "audio_tokens");
  more.output_audio_tokens =
      count_at(object_at(usage, "completion_tokens_details"), "audio_tokens");
  return more;
}

}  // namespace

std::optional<ChatUsage> parse_usage(Dialect dialect, std::string_view value, MoreUsage* more) {
  if (value.empty() || value.front() != '{') return {};
  const auto parsed = json::parse(value);
  if (!parsed || !parsed->is_object()) return {};
  const json::Object& usage = parsed->get_object();
  if (more != nullptr) *more = more_of(usage);
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

}  // namespace slipway::gateway::detail
