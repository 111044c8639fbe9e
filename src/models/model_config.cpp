#include <cmath>

#include "models/catalog.hpp"

namespace slipway::models {

namespace {

constexpr std::size_t parallel_max = 64;
constexpr std::size_t threads_max = 1024;

Error wrong(std::string_view field, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", field, what);
}

Result<void> check_remote(const ModelConfig& config) {
  const bool is_openai = config.provider == Provider::openai;
  if (config.base_url.empty())
    return wrong("base_url", is_openai ? "is missing; for example http://127.0.0.1:8000/v1"
                                       : "is missing; for example https://api.cohere.com/v2");
  if (!config.api_key.empty() && !config.api_key.starts_with("env:") &&
      !config.api_key.starts_with("file:"))
    return wrong("api_key", "write env:NAME or file:PATH, never the key itself");
  if (!config.path.empty())
    return wrong("path",
                 fmt::format("an {} model has none; remove it", json::name(config.provider)));
  if (config.task == ModelTask::embed && config.dimension == 0)
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
    case Provider::cohere:
    case Provider::late_interaction:
      if (!is_rerank)
        return wrong("task", fmt::format("{} models rerank; write task: rerank",
                                         json::name(config.provider)));
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
  const bool is_cohere = config.provider == Provider::cohere;
  if (config.usd_per_thousand_searches && !is_cohere)
    return wrong("usd_per_thousand_searches", "only cohere models are paid so; remove it");
  if (is_cohere && config.output_usd_per_million)
    return wrong("output_usd_per_million", "a reranker writes nothing; remove it");
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

}  // namespace

Result<void> ModelConfig::validate() const {
  const bool is_remote = provider == Provider::openai || provider == Provider::cohere;
  TRY(is_remote ? check_remote(*this) : check_local(*this));
  TRY(check_task(*this));
  if (pooling && (provider != Provider::onnx || task != ModelTask::embed))
    return wrong("pooling", "only onnx embedders pool here; remove it");
  if (parallel > parallel_max)
    return wrong("parallel", fmt::format("{} is outside of 0..{}", parallel, parallel_max));
  if (threads > threads_max)
    return wrong("threads", fmt::format("{} is outside of 0..{}", threads, threads_max));
  TRY(check_prices(*this));
  constexpr std::size_t tokens_limit = 1u << 24;
  if (context_tokens > tokens_limit || tokens_max > tokens_limit)
    return wrong(context_tokens > tokens_limit ? "context_tokens" : "tokens_max",
                 fmt::format("is outside of 0..{}", tokens_limit));
  return {};
}

}  // namespace slipway::models
