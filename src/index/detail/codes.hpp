// One bit per dimension: codes of vectors that a scan reads instead of the vectors, with a bound of
// the error, so that few vectors have to be read.
//
// RaBitQ (Gao and Long, SIGMOD 2024, arXiv 2405.12497): the vector minus a centre is turned by a
// fixed random rotation, and the sign of each coordinate is kept. The estimate of the inner product
// is unbiased, and its error is bounded with a probability that depends on nothing but the number
// of dimensions. Blocks of 32 vectors are laid out for table lookups in registers (FastScan: Andre,
// Kermarrec and Le Scouarnec, VLDB 2015). Why this and no graph: docs/decisions/0010-codes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/detail/kernels.hpp"

namespace slipway::index {

inline constexpr std::size_t code_block_rows = 32;
/// Dimensions of a code: rounded up to whole words.
constexpr std::size_t code_dimension(std::size_t dimension) { return (dimension + 63) / 64 * 64; }
/// Bytes of the code and the three factors of 32 rows.
constexpr std::size_t code_block_bytes(std::size_t dimension) {
  return code_dimension(dimension) * 4 + 3 * code_block_rows * sizeof(float);
}

/// Orthogonal, the same for every vector of a dimension on every machine.
class Rotation {
 public:
  explicit Rotation(std::size_t dimension);
  /// `code_dimension` floats out; the missing inputs count as zeros.
  void apply(std::span<const float> vector, float* out) const;

 private:
  std::size_t padded_;
  std::vector<std::uint32_t> signs_;  ///< By round and coordinate: 0 or the sign bit.
};

/// The mean of some rows, which the codes are relative to.
std::vector<float> centre_of(const Rows& rows);

/// Writes the blocks of `rows` to `out`, which has code_block_bytes for every 32 of them begun.
void encode_rows(const Rows& rows, std::span<const float> centre, std::uint8_t* out);

/// A query made ready for the blocks of one centre.
class CodeQuery {
 public:
  /// `deviations` of the estimate are allowed for: at 3 fewer than one of 300 vectors of a random
  /// set lies outside, at 2 one of 20.
  CodeQuery(std::span<const float> query, std::span<const float> centre, float deviations);
  /// For each row of a block: estimate of query · row, and how far from it the truth may be.
  void scan(const std::uint8_t* block, float* estimates, float* errors) const;

 private:
  std::size_t padded_;
  std::vector<std::uint8_t> tables_;  ///< 16 entries for every four dimensions.
  float step_ = 0;                    ///< Of the entries.
  float shift_ = 0;
  float constant_ = 0;
  float error_scale_ = 0;
};

/// Bit i is set where estimates[i] + errors[i] >= bound, of 32 rows; both aligned to 32 bytes.
std::uint32_t rows_at_least(const float* estimates, const float* errors, float bound);

}  // namespace slipway::index
