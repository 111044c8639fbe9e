// Reranking by the token vectors of an embedder (ColBERT's MaxSim).
#pragma once

#include <memory>
#include <string>

#include "models/embedder.hpp"
#include "models/reranker.hpp"

namespace slipway::models::detail {

/// The mean, over the tokens of the question, of the cosine to the nearest token of the passage.
/// `-1..1`. Fails: unsupported when the embedder gives no vectors per token.
Result<std::shared_ptr<Reranker>> open_late_interaction(std::string name,
                                                        std::shared_ptr<Embedder> embedder);

}  // namespace slipway::models::detail
