#include <cmath>

#include "models/remote_api.hpp"

namespace slipway::models {

namespace {

constexpr std::size_t parallel_max = 64;
constexpr std::size_t threads_max = 1024;

Error wrong(std::string_view field, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", field, what);
}

std::string_view public_url(Provider provider) {
  switch (provider) {
    case Provider::openai: return "https://api.openai.com/v1";
    case Provider::anthropic: return "https://api.anthropic.com";
    case Provider::cohere: return "https://api.cohere.com";
    default: return "";
  }
}

Result<void> check_remote(const ModelConfig& config) {
  if (!config.base_url.empty() && !config.base_url.starts_with("http://") &&
      !config.base_url.starts_with("https://"))
    return wrong("base_url", "is no URL; write http://HOST:PORT or https://HOST");
  TRY(config.api_key.validate());
  if (!config.path.empty() || !config.file.empty())
    return wrong(config.path.empty() ? "file" : "path",
                 fmt::format("an {} model has none; remove it", json::name(config.provider)));
  if (config.task == ModelTask::embed && config.dimension == 0 &&
      config.provider == Provider::openai)
    return wrong("dimension", "is required of an openai embedder");
  return {};
}

/// Which tasks a provider has, and what else it must be told.
Result<void> check_task(const ModelConfig& config) {
  const bool is_rerank = config.task == ModelTask::rerank;
  switch (config.provider) {
    case Provider::onnx:
      if (config.task == ModelTask::chat)
        return wrong("task", "onnx models embed or rerank; write task: embed or task: rerank");
      return {};
    case Provider::llama:
      if (config.task != ModelTask::chat)
        return wrong("task", "llama models chat; write task: chat");
      return {};
    case Provider::openai:
      if (is_rerank)
        return wrong("task", "openai servers chat or embed; rerankers have provider: cohere");
      return {};
    case Provider::anthropic:
      if (config.task != ModelTask::chat)
        return wrong("task", "anthropic models chat; write task: chat");
      return {};
    case Provider::cohere: return {};
    case Provider::late_interaction:
      if (!is_rerank) return wrong("task", "late_interaction models rerank; write task: rerank");
      return {};
    case Provider::scripted:
      if (config.task == ModelTask::chat && config.path.empty())
        return wrong("path", "a scripted chat model needs a JSON file of replies");
  }
  return {};
}

Result<void> check_local(const ModelConfig& config) {
  const std::string_view provider = json::name(config.provider);
  const bool has_model = !config.model.empty() && config.provider != Provider::late_interaction;
  if (!config.base_url.empty() || !config.api_key.empty() || has_model)
    return wrong(
        config.base_url.empty() ? config.api_key.empty() ? "model" : "api_key" : "base_url",
        fmt::format("an {} model does not use it; remove it", provider));
  if (config.provider == Provider::late_interaction && !config.path.empty())
    return wrong("path", "name the embedder with model: instead");
  return {};
}

Result<void> check_prices(const ModelConfig& config) {
  const bool is_cohere = config.provider == Provider::cohere && config.task != ModelTask::chat;
  if (config.price && (config.input_usd_per_million || config.output_usd_per_million))
    return wrong("price", "says the same as input_usd_per_million; keep one of them");
  if (config.usd_per_thousand_searches && !is_cohere)
    return wrong("usd_per_thousand_searches", "only cohere models are paid so; remove it");
  if (is_cohere && config.output_usd_per_million)
    return wrong("output_usd_per_million", "an embedder or a reranker writes nothing; remove it");
  if (!is_cohere &&
      config.input_usd_per_million.has_value() != config.output_usd_per_million.has_value())
    return wrong(config.input_usd_per_million ? "output_usd_per_million" : "input_usd_per_million",
                 "is missing; give both prices or neither");
  for (const auto& [name, price] :
       {std::pair("input_usd_per_million", config.input_usd_per_million),
        std::pair("output_usd_per_million", config.output_usd_per_million),
        std::pair("usd_per_thousand_searches", config.usd_per_thousand_searches)})
    if (price && !(std::isfinite(*price) && *price >= 0))
      return wrong(name, "a price is a number from 0");
  return {};
}

/// The two spellings of one thing.
Result<void> check_spellings(const ModelConfig& config) {
  if (!config.file.empty() && config.provider != Provider::llama)
    return wrong("file", "only llama models have one; write path:");
  if (!config.file.empty() && !config.path.empty())
    return wrong("file", "says the same as path; keep one of them");
  if (config.context > 0 && config.context_tokens > 0)
    return wrong("context", "says the same as context_tokens; keep one of them");
  return {};
}

Result<void> check_calls(const ModelConfig& config) {
  constexpr std::size_t retries_max = 10, fallbacks_max = 16;
  constexpr std::int64_t reply_tokens_max = 1 << 24;
  if (config.retries > retries_max)
    return wrong("retries", fmt::format("{} is outside of 0..{}", config.retries, retries_max));
  if (config.fallback.size() > fallbacks_max)
    return wrong("fallback", fmt::format("has more than {} models", fallbacks_max));
  if (config.max_tokens < 1 || config.max_tokens > reply_tokens_max)
    return wrong("max_tokens",
                 fmt::format("{} is outside of 1..{}", config.max_tokens, reply_tokens_max));
  if (config.responses && config.provider != Provider::openai)
    return wrong("responses", "only openai servers have it; remove it");
  return {};
}

}  // namespace

ModelConfig ModelConfig::resolved() const {
  ModelConfig config = *this;
  if (config.path.empty()) config.path = config.file;
  if (config.context_tokens == 0) config.context_tokens = config.context;
  config.file.clear();
  config.context = 0;
  if (config.base_url.empty()) config.base_url = public_url(config.provider);
  while (config.base_url.ends_with('/')) config.base_url.pop_back();
  return config;
}

Result<void> ModelConfig::validate() const {
  TRY(is_remote(provider) ? check_remote(*this) : check_local(*this));
  TRY(check_spellings(*this));
  TRY(check_calls(*this));
  TRY(check_task(*this));
  if (pooling && (provider != Provider::onnx || task != ModelTask::embed))
    return wrong("pooling", "only onnx embedders pool here; remove it");
  if (parallel > parallel_max)
    return wrong("parallel", fmt::format("{} is outside of 0..{}", parallel, parallel_max));
  if (threads > threads_max)
    return wrong("threads", fmt::format("{} is outside of 0..{}", threads, threads_max));
  TRY(check_prices(*this));
  constexpr std::size_t tokens_limit = 1u << 24;
  if (std::max(context_tokens, context) > tokens_limit || tokens_max > tokens_limit)
    return wrong(tokens_max > tokens_limit ? "tokens_max" : "context_tokens",
                 fmt::format("is outside of 0..{}", tokens_limit));
  return {};
}

}  // namespace slipway::models
