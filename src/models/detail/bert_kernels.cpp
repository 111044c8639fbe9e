#include "models/detail/bert_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "models/detail/simd.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t block_rows = 6;  ///< Queries at once: twelve sums fit into the registers.
using Rows = std::array<const float*, block_rows>;

/// Where the sums of a block go: `count` rows, `stride` numbers apart.
struct BlockOut {
  float* values;
  std::size_t stride;
  std::size_t count;
  float scale;
  bool adds;  ///< To what is there.
};

/// out[row][0..16) = sum over i < depth of rows[row][i] * b[i][0..16), times scale. Each sum is
/// made from its first product to its last, as ONNX Runtime does. Behind the last of `out.count`
/// rows its pointer is repeated in `rows`: the last one is then computed and written again.
[[gnu::noinline]] void multiply_block(const Rows& rows, std::size_t depth, const float* b,
                                      std::size_t b_stride, const BlockOut& out) {
  __m256 sums[block_rows][2];
  unrolled<block_rows>([&](auto row) { sums[row][0] = sums[row][1] = _mm256_setzero_ps(); });
  for (std::size_t i = 0; i < depth; ++i, b += b_stride) {
    const __m256 left = _mm256_loadu_ps(b);
    const __m256 right = _mm256_loadu_ps(b + simd_width);
    unrolled<block_rows>([&](auto row) {
      const __m256 a = _mm256_broadcast_ss(rows[row] + i);
      sums[row][0] = _mm256_fmadd_ps(a, left, sums[row][0]);
      sums[row][1] = _mm256_fmadd_ps(a, right, sums[row][1]);
    });
  }
  const __m256 scale = _mm256_set1_ps(out.scale);
  unrolled<block_rows>([&](auto row) {
    if (row >= out.count) return;
    float* const to = out.values + row * out.stride;
    unrolled<2>([&](auto side) {
      const __m256 product = rounded(_mm256_mul_ps(sums[row][side], scale));
      const __m256 before = out.adds ? _mm256_loadu_ps(to + side * simd_width) : product;
      _mm256_storeu_ps(to + side * simd_width, out.adds ? _mm256_add_ps(product, before) : product);
    });
  });
}

std::size_t round_up(std::size_t count, std::size_t step) {
  return (count + step - 1) / step * step;
}

/// Ones for the numbers that exist of the last eight.
__m256 mask_of_last(std::size_t count) {
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int last = static_cast<int>((count - 1) % simd_width);
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(last + 1), places));
}

/// The softmax of `count` numbers; behind them, up to a multiple of eight, there is room.
void soften(float* scores, std::size_t count) {
  const std::size_t last = (count - 1) / simd_width * simd_width;
  const __m256 mask = mask_of_last(count);
  const __m256 none = _mm256_set1_ps(std::numeric_limits<float>::lowest());
  __m256 high = _mm256_blendv_ps(none, _mm256_loadu_ps(scores + last), mask);
  for (std::size_t i = 0; i < last; i += simd_width)
    high = _mm256_max_ps(high, _mm256_loadu_ps(scores + i));
  const __m256 largest = _mm256_set1_ps(max_of(high));
  __m256 sum = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 4 * simd_width <= last; i += 4 * simd_width) {
    const Many<4> powers = exp_of(each<4>([&](auto n) {
      return _mm256_sub_ps(_mm256_loadu_ps(scores + i + n * simd_width), largest);
    }));
    unrolled<4>([&](auto n) {
      _mm256_storeu_ps(scores + i + n * simd_width, powers.at[n]);
      sum = _mm256_add_ps(sum, powers.at[n]);
    });
  }
  for (; i <= last; i += simd_width) {
    __m256 power = exp_of(Many<1>{_mm256_sub_ps(_mm256_loadu_ps(scores + i), largest)}).at[0];
    if (i == last) power = _mm256_and_ps(power, mask);
    _mm256_storeu_ps(scores + i, power);
    sum = _mm256_add_ps(sum, power);
  }
  const __m256 scale = _mm256_set1_ps(1.0f / sum_of(sum));
  for (i = 0; i <= last; i += simd_width)
    _mm256_storeu_ps(scores + i, _mm256_mul_ps(_mm256_loadu_ps(scores + i), scale));
}

/// One head at a time.
class Head {
 public:
  Head(const AttentionShape& shape, std::span<const float> input, AttentionScratch& scratch)
      : shape_(shape),
        input_(input),
        scratch_(scratch),
        stride_(3 * shape.hidden()),
        padded_(round_up(shape.tokens, panel_width)) {
    scratch.keys.resize(padded_ * shape.head_size);
    scratch.values.resize(padded_ * shape.head_size);
    scratch.scores.resize(padded_ * block_rows);
  }

  void attend(std::size_t head, std::span<float> output) {
    const float* const base = input_.data() + head * shape_.head_size;
    pack_keys(base + shape_.hidden());
    pack_values(base + 2 * shape_.hidden());
    for (std::size_t first = 0; first < shape_.tokens; first += block_rows)
      attend_block(base, first, &output[first * shape_.hidden() + head * shape_.head_size]);
  }

 private:
  /// Panels of 16 keys: [panel][head_size][16]. Keys that do not exist are zeros.
  void pack_keys(const float* keys) {
    const std::size_t size = shape_.head_size;
    for (std::size_t token = 0; token < padded_; ++token) {
      float* to = &scratch_.keys[token / panel_width * panel_width * size + token % panel_width];
      const float* from = keys + token * stride_;
      if (token < shape_.tokens)
        for (std::size_t i = 0; i < size; ++i) to[i * panel_width] = from[i];
      else
        for (std::size_t i = 0; i < size; ++i) to[i * panel_width] = 0;
    }
  }

  /// Next to each other: apart they would share a few lines of the cache.
  void pack_values(const float* values) {
    for (std::size_t token = 0; token < shape_.tokens; ++token)
      std::copy_n(values + token * stride_, shape_.head_size,
                  &scratch_.values[token * shape_.head_size]);
  }

  void attend_block(const float* queries, std::size_t first, float* output) {
    const std::size_t size = shape_.head_size;
    const std::size_t count = std::min(block_rows, shape_.tokens - first);
    Rows rows;
    for (std::size_t i = 0; i < block_rows; ++i)
      rows[i] = queries + (first + std::min(i, count - 1)) * stride_;
    BlockOut scores{nullptr, padded_, count, 1 / shape_.divisor, false};
    for (std::size_t key = 0; key < padded_; key += panel_width) {
      scores.values = &scratch_.scores[key];
      multiply_block(rows, size, &scratch_.keys[key * size], panel_width, scores);
    }
    BlockOut mixed{nullptr, shape_.hidden(), count, 1, false};
    for (std::size_t i = 0; i < block_rows; ++i)
      rows[i] = &scratch_.scores[std::min(i, count - 1) * padded_];
    for (std::size_t i = 0; i < count; ++i) soften(&scratch_.scores[i * padded_], shape_.tokens);
    for (std::size_t column = 0; column < size; column += panel_width) {
      mixed.values = output + column;
      mix(rows, column, mixed);
    }
  }

  /// Scores times values. ONNX Runtime makes longer sums than this in parts.
  void mix(Rows rows, std::size_t column, BlockOut out) {
    std::size_t width = 128, depth = 128;
    for (; width > 16 && width / 2 >= shape_.head_size; width /= 2) depth *= 2;
    for (std::size_t first = 0; first < shape_.tokens; first += depth) {
      const float* const values = &scratch_.values[first * shape_.head_size + column];
      multiply_block(rows, std::min(depth, shape_.tokens - first), values, shape_.head_size, out);
      for (const float*& row : rows) row += depth;
      out.adds = true;
    }
  }

  const AttentionShape& shape_;
  const std::span<const float> input_;
  AttentionScratch& scratch_;
  const std::size_t stride_;
  const std::size_t padded_;
};

float mean_of(const float* row, std::size_t size) {
  __m256d sum = _mm256_setzero_pd();
  for (std::size_t i = 0; i < size; i += simd_width / 2)
    sum = _mm256_add_pd(sum, _mm256_cvtps_pd(_mm_loadu_ps(row + i)));
  return static_cast<float>(sum_by_halves(sum) / static_cast<double>(size));
}

/// The mean of the squared differences from `mean`.
float variance_of(const float* row, std::size_t size, float mean) {
  __m256 sum = _mm256_setzero_ps();
  for (std::size_t i = 0; i < size; i += simd_width) {
    const __m256 difference = _mm256_sub_ps(_mm256_loadu_ps(row + i), _mm256_set1_ps(mean));
    sum = _mm256_fmadd_ps(difference, difference, sum);
  }
  return sum_by_halves(sum) / static_cast<float>(size);
}

}  // namespace

void add_row(const PackedTable& table, std::size_t row, std::span<float> sum) {
  const std::uint8_t* const bytes = &table.values[row * sum.size()];
  const float scale = table.scale[0];
  const std::int32_t zero_point = table.zero_point[0];
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += rounded(static_cast<float>(bytes[i] - zero_point) * scale);
}

Range normalize_rows(std::span<float> values, const PackedNorm& norm, float epsilon) {
  const std::size_t size = norm.weight.size();
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();
  for (std::size_t at = 0; at < values.size(); at += size) {
    float* const row = &values[at];
    const float mean = mean_of(row, size);
    const float scale = 1.0f / std::sqrt(variance_of(row, size, mean) + epsilon);
    for (std::size_t i = 0; i < size; i += simd_width) {
      const __m256 difference = _mm256_sub_ps(_mm256_loadu_ps(row + i), _mm256_set1_ps(mean));
      const __m256 result =
          _mm256_fmadd_ps(_mm256_mul_ps(difference, _mm256_set1_ps(scale)),
                          _mm256_load_ps(&norm.weight[i]), _mm256_load_ps(&norm.bias[i]));
      _mm256_storeu_ps(row + i, result);
      low = _mm256_min_ps(low, result);
      high = _mm256_max_ps(high, result);
    }
  }
  return {min_of(low), max_of(high)};
}

void attend(const AttentionShape& shape, std::span<const float> input, std::span<float> output,
            AttentionScratch& scratch) {
  SLIPWAY_ASSERT(shape.head_size % panel_width == 0);
  SLIPWAY_ASSERT(input.size() == shape.tokens * 3 * shape.hidden());
  SLIPWAY_ASSERT(output.size() == shape.tokens * shape.hidden());
  Head head(shape, input, scratch);
  for (std::size_t i = 0; i < shape.heads; ++i) head.attend(i, output);
}

}  // namespace slipway::models::detail
