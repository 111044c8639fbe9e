// The parts of a BERT layer that are no products with weights.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/detail/bert_weights.hpp"
#include "models/detail/int8_gemm.hpp"

namespace slipway::models::detail {

/// One token's row of a table, as numbers.
void add_row(const PackedTable& table, std::size_t row, std::span<float> sum);

/// Each row of `values` gets mean 0 and variance 1, then the weight and the bias. The range is that
/// of the outcome.
Range normalize_rows(std::span<float> values, const PackedNorm& norm, float epsilon);

struct AttentionShape {
  std::size_t tokens = 0;
  std::size_t heads = 0;
  std::size_t head_size = 0;  ///< A multiple of `panel_width`.
  float divisor = 1;          ///< Of the scores.

  std::size_t hidden() const { return heads * head_size; }
};

/// Memory for `attend`, kept between calls.
struct AttentionScratch {
  std::vector<float> keys, values, scores;
};

/// Softmax of query times key / divisor, times value. `input` has per token the queries, keys and
/// values of all heads; `output` per token the outcomes of all heads.
void attend(const AttentionShape& shape, std::span<const float> input, std::span<float> output,
            AttentionScratch& scratch);

}  // namespace slipway::models::detail
