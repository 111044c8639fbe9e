#include <cmath>

#include "models/catalog.hpp"

namespace slipway::models {

namespace {

constexpr std::size_t parallel_max = 64;
constexpr std::size_t threads_max = 1024;

Error wrong(std::string_view field, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", field, what);
}

Result<void> check_openai(const ModelConfig& config) {
  if (config.base_url.empty())
    return wrong("base_url", "is missing; for example http://127.0.0.1:8000/v1");
  if (!config.api_key.empty() && !config.api_key.starts_with("env:") &&
      !config.api_key.starts_with("file:"))
    return wrong("api_key", "write env:NAME or file:PATH, never the key itself");
  if (!config.path.empty()) return wrong("path", "an openai model has none; remove it");
  if (config.task == ModelTask::embed && config.dimension == 0)
    return wrong("dimension", "is required of an openai embedder");
  return {};
}

Result<void> check_local(const ModelConfig& config) {
  const std::string_view provider = json::name(config.provider);
  if (!config.base_url.empty() || !config.api_key.empty() || !config.model.empty())
    return wrong(
        config.base_url.empty() ? config.api_key.empty() ? "model" : "api_key" : "base_url",
        fmt::format("an {} model does not use it; remove it", provider));
  if (config.provider == Provider::onnx && config.task != ModelTask::embed)
    return wrong("task", "onnx models embed; write task: embed");
  if (config.provider == Provider::llama && config.task != ModelTask::chat)
    return wrong("task", "llama models chat; write task: chat");
  if (config.provider == Provider::scripted && config.task == ModelTask::chat &&
      config.path.empty())
    return wrong("path", "a scripted chat model needs a JSON file of replies");
  return {};
}

}  // namespace

Result<void> ModelConfig::validate() const {
  TRY(provider == Provider::openai ? check_openai(*this) : check_local(*this));
  if (pooling && provider != Provider::onnx)
    return wrong("pooling", "only onnx models pool here; remove it");
  if (parallel > parallel_max)
    return wrong("parallel", fmt::format("{} is outside of 0..{}", parallel, parallel_max));
  if (threads > threads_max)
    return wrong("threads", fmt::format("{} is outside of 0..{}", threads, threads_max));
  if (input_usd_per_million.has_value() != output_usd_per_million.has_value())
    return wrong(input_usd_per_million ? "output_usd_per_million" : "input_usd_per_million",
                 "is missing; give both prices or neither");
  for (const auto& price : {input_usd_per_million, output_usd_per_million})
    if (price && !(std::isfinite(*price) && *price >= 0))
      return wrong("input_usd_per_million", "a price is a number from 0");
  constexpr std::size_t tokens_limit = 1u << 24;
  if (context_tokens > tokens_limit || tokens_max > tokens_limit)
    return wrong(context_tokens > tokens_limit ? "context_tokens" : "tokens_max",
                 fmt::format("is outside of 0..{}", tokens_limit));
  return {};
}

}  // namespace slipway::models
