// A reranker behind Cohere's /rerank, which Jina, vLLM, LiteLLM and others speak too.
#pragma once

#include <memory>
#include <string>

#include "models/detail/remote_endpoint.hpp"
#include "models/reranker.hpp"

namespace slipway::models::detail {

struct CohereRerankerOptions {
  RemoteEndpoint::Options endpoint;  ///< base_url up to the version: "https://host/v2".
  std::string model;                 ///< The name on the wire.
  std::size_t tokens_max = 0;        ///< Sent as max_tokens_per_doc; 0: the server decides.
};

/// Resolves the key; asks nobody yet. Fails: invalid_argument, not_found.
Result<std::shared_ptr<Reranker>> open_cohere_reranker(CohereRerankerOptions options);

}  // namespace slipway::models::detail
