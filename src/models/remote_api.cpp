#include "models/remote_api.hpp"

namespace slipway::models {

using dialects::Dialect;

bool is_remote(Provider provider) {
  return provider == Provider::openai || provider == Provider::anthropic ||
         provider == Provider::cohere;
}

Dialect chat_dialect(Provider provider) {
  if (provider == Provider::anthropic) return Dialect::anthropic;
  return provider == Provider::cohere ? Dialect::cohere : Dialect::openai;
}

std::string_view chat_path(Dialect dialect) {
  switch (dialect) {
    case Dialect::openai: return "/chat/completions";
    case Dialect::openai_responses: return "/responses";
    case Dialect::openai_completions: return "/completions";
    case Dialect::anthropic: return "/messages";
    case Dialect::cohere: return "/chat";
  }
  return "";
}

std::string api_url(const ModelConfig& config) {
  std::string url = config.resolved().base_url;
  if (config.provider != Provider::anthropic && config.provider != Provider::cohere) return url;
  const bool is_versioned = url.ends_with("/v1") || url.ends_with("/v2");
  if (is_versioned && config.task == ModelTask::rerank) return url;
  constexpr std::size_t version_bytes = 3;
  if (is_versioned) url.resize(url.size() - version_bytes);
  return url + (config.provider == Provider::cohere ? "/v2" : "/v1");
}

std::map<std::string, std::string> api_headers(Provider provider, const std::string& secret) {
  std::map<std::string, std::string> headers = {{"Content-Type", "application/json"}};
  const bool is_anthropic = provider == Provider::anthropic;
  if (is_anthropic) headers["anthropic-version"] = "2023-06-01";
  if (secret.empty()) return headers;
  if (is_anthropic)
    headers["x-api-key"] = secret;
  else
    headers["Authorization"] = "Bearer " + secret;
  return headers;
}

}  // namespace slipway::models
