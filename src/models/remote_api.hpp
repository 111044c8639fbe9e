// What a call of a vendor's API looks like before its body: where it goes and what it carries.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "dialects/codec.hpp"
#include "models/catalog.hpp"

namespace slipway::models {

/// Whether models of this provider are behind somebody's HTTP API.
bool is_remote(Provider provider);

/// In which its conversations are spoken: openai, anthropic or cohere.
dialects::Dialect chat_dialect(Provider provider);
/// Below `api_url`: "/chat/completions".
std::string_view chat_path(dialects::Dialect dialect);

/// Up to the version, without a slash at the end: "https://api.cohere.com/v2". What only names
/// Anthropic's or Cohere's host gets its version here. A reranker may name another one than
/// Cohere's: what others call /v1/rerank is the same API.
std::string api_url(const ModelConfig& config);

/// The type of a JSON body, and the secret (empty: none) as the provider wants it.
std::map<std::string, std::string> api_headers(Provider provider, const std::string& secret);

}  // namespace slipway::models
