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
  bool estimated = false;  ///< Counted by us because the provider did not say.

  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cached_input_tokens += other.cached_input_tokens;
    embedding_tokens += other.embedding_tokens;
    estimated = estimated || other.estimated;
    return *this;
  }
};
BOOST_DESCRIBE_STRUCT(Usage, (),
                      (input_tokens, output_tokens, cached_input_tokens, embedding_tokens,
                       estimated))

/// What tokens cost. Local models cost nothing.
struct Price {
  double input_usd_per_million = 0;
  double output_usd_per_million = 0;
  double of(const Usage& usage) const {
    constexpr double million = 1e6;
    return (static_cast<double>(usage.input_tokens) * input_usd_per_million +
            static_cast<double>(usage.output_tokens) * output_usd_per_million) /
           million;
  }
};

}  // namespace slipway::models
