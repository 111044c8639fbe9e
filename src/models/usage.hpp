// What a model call consumed.
#pragma once

#include <cstdint>

#include "core/json.hpp"

namespace slipway::models {

struct Usage {
  std::int64_t input_tokens = 0;  ///< All prompt tokens, cached ones included.
  std::int64_t output_tokens = 0;
  std::int64_t cached_input_tokens = 0;  ///< The part of `input_tokens` that a prefix cache served.
  std::int64_t embedding_tokens = 0;
  std::int64_t rerank_tokens = 0;  ///< Read by a reranker; a remote one may not tell.
  std::int64_t search_units = 0;   ///< What remote rerankers count, as they count it.
  bool estimated = false;          ///< Counted by us because the provider did not say.

  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cached_input_tokens += other.cached_input_tokens;
    embedding_tokens += other.embedding_tokens;
    rerank_tokens += other.rerank_tokens;
    search_units += other.search_units;
    estimated = estimated || other.estimated;
    return *this;
  }
};
BOOST_DESCRIBE_STRUCT(Usage, (),
                      (input_tokens, output_tokens, cached_input_tokens, embedding_tokens,
                       rerank_tokens, search_units, estimated))

/// What calls cost. Local models cost nothing.
struct Price {
  double input_usd_per_million = 0;  ///< Of an embedder or a reranker: what it reads.
  double output_usd_per_million = 0;
  double search_usd_per_thousand = 0;  ///< Of a reranker that counts searches.
  double of(const Usage& usage) const {
    constexpr double million = 1e6, thousand = 1e3;
    const auto read =
        static_cast<double>(usage.input_tokens + usage.rerank_tokens + usage.embedding_tokens);
    return (read * input_usd_per_million +
            static_cast<double>(usage.output_tokens) * output_usd_per_million) /
               million +
           static_cast<double>(usage.search_units) * search_usd_per_thousand / thousand;
  }
};

}  // namespace slipway::models
