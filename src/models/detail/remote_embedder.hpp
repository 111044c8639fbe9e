// An embedder behind OpenAI's /embeddings or Cohere's /embed, wherever it runs.
#pragma once

#include <memory>
#include <string>

#include "models/detail/remote_endpoint.hpp"
#include "models/embedder.hpp"

namespace slipway::models::detail {

struct RemoteEmbedderOptions {
  RemoteEndpoint::Options endpoint;
  std::string model;           ///< The name on the wire.
  std::size_t dimension = 0;   ///< Must be given: the APIs do not tell, and it must never change.
  std::size_t tokens_max = 0;  ///< 0: 8192. Longer texts are cut, by an estimate of their tokens.
  std::string query_prefix;
  std::string document_prefix;
};

/// Resolves the key; asks nobody yet. Fails: invalid_argument, not_found.
Result<std::shared_ptr<Embedder>> open_remote_embedder(RemoteEmbedderOptions options);

}  // namespace slipway::models::detail
