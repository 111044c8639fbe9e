// Products of a matrix of quantized activations and one of quantized weights.
//
// AVX2 has no dot product of bytes: vpmaddubsw multiplies 32 pairs and adds neighbours to 16 bits,
// vpmaddwd adds those to 32. The second step costs as much as the first, so as many results of the
// first as fit into 16 bits whatever the activations are, are added before it: four, if the weights
// allow. To find fours that fit, rows of weights are brought into another order, for each panel of
// columns its own. Nothing is rounded and nothing overflows: the sums are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result.hpp"

namespace slipway::models::detail {

/// A row-major matrix of bytes; a byte q stands for `scale` * (q - `zero_point`).
struct Activations {
  const std::uint8_t* values = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  float scale = 1;
  std::int32_t zero_point = 0;
};

/// The smallest and the largest of some numbers; 0 is always among them.
struct Range {
  float low = 0;
  float high = 0;
};

constexpr std::size_t panel_width = 16;     ///< Columns of a panel.
constexpr std::size_t group_rows = 4;       ///< Rows of weights multiplied in one step.
constexpr std::size_t depth_max = 1 << 15;  ///< Then sums stay within 31 bits.

/// How many fours and pairs of groups a panel begins with; what remains are single groups.
struct PanelRuns {
  std::uint16_t fours = 0;
  std::uint16_t pairs = 0;
};

/// Weights in the order of the kernel. The memory is another's, each span on its own lines of the
/// cache.
struct PackedMatrix {
  std::size_t depth = 0;           ///< A multiple of `group_rows`, at most `depth_max`.
  std::size_t width = 0;           ///< A multiple of `panel_width`.
  std::span<std::int8_t> panels;   ///< width / panel_width times [depth / 4][panel_width][4].
  std::span<std::uint16_t> order;  ///< Per panel and group: the first of its rows.
  std::span<PanelRuns> runs;       ///< Per panel.
  std::span<std::int32_t> sums;    ///< Per column: of its weights.
  std::span<float> scales;         ///< Per column.
  std::span<float> bias;           ///< Per column.
};

/// Rows of columns [begin, end) of a matrix as files have it: `weights` is [depth][end - begin].
struct WeightColumns {
  std::span<const std::int8_t> weights;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Fills panels, order, runs and sums of these columns, which are whole panels. Fails: unsupported
/// (two neighbours of a column could overflow 16 bits; the weights use more than 7 bits).
Result<void> pack(const WeightColumns& columns, const PackedMatrix& packed);

/// Fails: invalid_argument (order or runs would make the kernel read outside).
Result<void> check(const PackedMatrix& packed);

/// out = a * b + bias; `out` has a.rows rows of b.width numbers.
void multiply(const Activations& a, const PackedMatrix& b, std::span<float> out);
/// out = gelu(a * b + bias).
Range multiply_gelu(const Activations& a, const PackedMatrix& b, std::span<float> out);
/// out = out + a * b + bias.
void multiply_add(const Activations& a, const PackedMatrix& b, std::span<float> out);

Range range_of(std::span<const float> values);
/// As ONNX's DynamicQuantizeLinear, to the last bit. `range` is that of `values`, rows of `columns`
/// numbers; `bytes` has room for as many.
Activations quantize(std::span<const float> values, std::size_t columns, Range range,
                     std::span<std::uint8_t> bytes);

}  // namespace slipway::models::detail
