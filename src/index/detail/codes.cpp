#include "index/detail/codes.hpp"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace slipway::index {

namespace {

constexpr int rotation_rounds = 4;
constexpr std::size_t factor_count = 3;  // Scale, offset, error.

/// SplitMix64 (Steele, Lea and Flood 2014): good bits from a counter, the same everywhere.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// Walsh-Hadamard transform, scaled to keep lengths; `size` is a power of two, at least 16.
void hadamard(float* x, std::size_t size) {
  for (std::size_t half = 1; half < size; half *= 2)
    for (std::size_t base = 0; base < size; base += 2 * half)
      for (std::size_t i = base; i < base + half; ++i) {
        const float a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  for (std::size_t i = 0; i < size; ++i) x[i] *= scale;
}

double square(double x) { return x * x; }

/// The code of one row: bits and factors.
struct Code {
  std::vector<bool> bits;
  float scale = 0, offset = 0, error = 0;
};

class Encoder {
 public:
  Encoder(std::size_t dimension, std::span<const float> centre)
      : rotation_(dimension),
        centre_(centre),
        difference_(dimension),
        rotated_(code_dimension(dimension)) {}

  void encode(const float* row, Code& code) {
    double length = 0, offset = 0;
    for (std::size_t i = 0; i < difference_.size(); ++i) {
      difference_[i] = row[i] - centre_[i];
      length += square(difference_[i]);
      offset += static_cast<double>(row[i]) * centre_[i];
    }
    rotation_.apply(difference_, rotated_.data());
    double sum = 0;
    code.bits.resize(rotated_.size());
    for (std::size_t i = 0; i < rotated_.size(); ++i) {
      code.bits[i] = rotated_[i] > 0;
      sum += std::fabs(rotated_[i]);
    }
    const auto dimensions = static_cast<double>(rotated_.size());
    // `along` is the inner product of the unit vector with its code, also of unit length.
    const double along = length > 0 ? sum / std::sqrt(length * dimensions) : 1;
    code.scale = sum > 0 ? static_cast<float>(length / sum) : 0.0f;
    code.offset = static_cast<float>(offset);
    code.error = static_cast<float>(
        std::sqrt(length * std::max(0.0, 1 / square(along) - 1) / (dimensions - 1)));
  }

 private:
  Rotation rotation_;
  std::span<const float> centre_;
  std::vector<float> difference_;
  std::vector<float> rotated_;
};

/// Four dimensions of a row are half a byte. A pair of such groups stands in 32 bytes: the first
/// group in the lower 16, the second in the upper; in each, byte i holds rows i and i + 16.
void store(const Code& code, std::size_t row, std::uint8_t* block) {
  const std::size_t groups = code.bits.size() / 4;
  const unsigned shift = row < 16 ? 0 : 4;
  for (std::size_t group = 0; group < groups; ++group) {
    unsigned nibble = 0;
    for (unsigned bit = 0; bit < 4; ++bit)
      nibble |= static_cast<unsigned>(code.bits[group * 4 + bit]) << bit;
    block[group * 16 + row % 16] |= static_cast<std::uint8_t>(nibble << shift);
  }
  std::uint8_t* factors = block + groups * 16;
  const float values[factor_count] = {code.scale, code.offset, code.error};
  for (std::size_t f = 0; f < factor_count; ++f)
    std::memcpy(factors + (f * code_block_rows + row) * sizeof(float), &values[f], sizeof(float));
}

/// Sums of table entries of 32 rows, in order, as 16-bit numbers in two registers.
struct Sums {
  __m256i low, high;  ///< Rows 0 .. 15, rows 16 .. 31.
};

/// Adds bytes as 16-bit numbers: `all` collects both bytes of a lane, `odd` the upper one alone.
inline void add(__m256i bytes, __m256i& all, __m256i& odd) {
  all = _mm256_add_epi16(all, bytes);
  odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
}

/// Both halves of the registers hold the same rows, of even and of odd groups.
inline __m256i finish(__m256i all, __m256i odd) {
  const __m256i even = _mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8));
  const __m128i evens =
      _mm_add_epi16(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
  const __m128i odds = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
  return _mm256_set_m128i(_mm_unpackhi_epi16(evens, odds), _mm_unpacklo_epi16(evens, odds));
}

inline Sums look_up(const std::uint8_t* block, const std::uint8_t* tables, std::size_t bytes) {
  const __m256i mask = _mm256_set1_epi8(0x0F);
  __m256i all[2], odd[2];
  all[0] = all[1] = odd[0] = odd[1] = _mm256_setzero_si256();
  for (std::size_t at = 0; at < bytes; at += 32) {
    const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + at));
    const __m256i table = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables + at));
    add(_mm256_shuffle_epi8(table, _mm256_and_si256(code, mask)), all[0], odd[0]);
    add(_mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(code, 4), mask)), all[1],
        odd[1]);
  }
  return {finish(all[0], odd[0]), finish(all[1], odd[1])};
}

}  // namespace

Rotation::Rotation(std::size_t dimension) : padded_(code_dimension(dimension)) {
  for (std::size_t i = 0; i < rotation_rounds * padded_; ++i)
    signs_.push_back((mix(i) & 1) != 0 ? 0x8000'0000u : 0u);
}

/// Random signs, then a Hadamard transform of the first and in the next round of the last power of
/// two of the coordinates, then sums and differences of the halves, so that all of them mix.
void Rotation::apply(std::span<const float> vector, float* out) const {
  std::copy(vector.begin(), vector.end(), out);
  std::fill(out + vector.size(), out + padded_, 0.0f);
  const std::size_t power = std::bit_floor(padded_);
  const std::size_t half = padded_ / 2;
  constexpr float root = 0.70710678f;
  for (std::size_t round = 0; round < rotation_rounds; ++round) {
    for (std::size_t i = 0; i < padded_; ++i)
      out[i] =
          std::bit_cast<float>(std::bit_cast<std::uint32_t>(out[i]) ^ signs_[round * padded_ + i]);
    hadamard(round % 2 == 0 ? out : out + padded_ - power, power);
    if (power == padded_) continue;
    for (std::size_t i = 0; i < half; ++i) {
      const float a = out[i], b = out[i + half];
      out[i] = (a + b) * root;
      out[i + half] = (a - b) * root;
    }
  }
}

std::vector<float> centre_of(const Rows& rows) {
  std::vector<double> sums(rows.dimension);
  for (std::size_t r = 0; r < rows.count; ++r)
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(rows.row(r)[i]);
  std::vector<float> centre(sums.size());
  if (rows.count > 0)
    std::transform(sums.begin(), sums.end(), centre.begin(), [&](double sum) {
      return static_cast<float>(sum / static_cast<double>(rows.count));
    });
  return centre;
}

void encode_rows(const Rows& rows, std::span<const float> centre, std::uint8_t* out) {
  const std::size_t bytes = code_block_bytes(rows.dimension);
  const std::size_t blocks = (rows.count + code_block_rows - 1) / code_block_rows;
  std::memset(out, 0, blocks * bytes);
  Encoder encoder(rows.dimension, centre);
  Code code;
  for (std::size_t r = 0; r < rows.count; ++r) {
    encoder.encode(rows.row(r), code);
    store(code, r % code_block_rows, out + r / code_block_rows * bytes);
  }
}

CodeQuery::CodeQuery(std::span<const float> query, std::span<const float> centre, float deviations)
    : padded_(code_dimension(query.size())), tables_(padded_ * 4) {
  std::vector<float> difference(query.size());
  double length = 0, constant = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    difference[i] = query[i] - centre[i];
    length += square(difference[i]);
    constant += static_cast<double>(difference[i]) * centre[i];
  }
  std::vector<float> rotated(padded_);
  Rotation(query.size()).apply(difference, rotated.data());

  // Entries are whole numbers from 0, small enough that the sum of all fits 16 bits.
  const std::size_t groups = padded_ / 4;
  std::vector<float> sums(groups * 16);
  float range = 0, lows = 0, total = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const float* x = rotated.data() + g * 4;
    float low = 0, high = 0;
    for (int i = 0; i < 4; ++i) {
      (x[i] < 0 ? low : high) += x[i];
      total += x[i];
    }
    lows += low;
    range = std::max(range, high - low);
    for (unsigned code = 0; code < 16; ++code) {
      float sum = -low;
      for (unsigned i = 0; i < 4; ++i)
        if ((code >> i & 1) != 0) sum += x[i];
      sums[g * 16 + code] = sum;
    }
  }
  const auto entry_max = static_cast<float>(std::min<std::size_t>(255, 65'535 / groups));
  step_ = range > 0 ? range / entry_max : 1.0f;
  for (std::size_t i = 0; i < sums.size(); ++i)
    tables_[i] = static_cast<std::uint8_t>(std::lround(sums[i] / step_));
  shift_ = 2 * lows - total;
  constant_ = static_cast<float>(constant);
  error_scale_ = static_cast<float>(std::sqrt(length)) * deviations;
}

void CodeQuery::scan(const std::uint8_t* block, float* estimates, float* errors) const {
  const Sums sums = look_up(block, tables_.data(), padded_ * 4);
  const auto* factors = reinterpret_cast<const float*>(block + padded_ * 4);
  const __m256 step = _mm256_set1_ps(2 * step_);
  const __m256 shift = _mm256_set1_ps(shift_);
  const __m256 constant = _mm256_set1_ps(constant_);
  const __m256 error_scale = _mm256_set1_ps(error_scale_);
  const __m128i parts[4] = {_mm256_castsi256_si128(sums.low), _mm256_extracti128_si256(sums.low, 1),
                            _mm256_castsi256_si128(sums.high),
                            _mm256_extracti128_si256(sums.high, 1)};
  for (std::size_t p = 0; p < 4; ++p) {
    const __m256 sum = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(parts[p]));
    const __m256 inner = _mm256_fmadd_ps(sum, step, shift);
    const __m256 offset = _mm256_add_ps(_mm256_loadu_ps(factors + 32 + p * 8), constant);
    _mm256_storeu_ps(estimates + p * 8,
                     _mm256_fmadd_ps(_mm256_loadu_ps(factors + p * 8), inner, offset));
    _mm256_storeu_ps(errors + p * 8,
                     _mm256_mul_ps(_mm256_loadu_ps(factors + 64 + p * 8), error_scale));
  }
}

std::uint32_t rows_at_least(const float* estimates, const float* errors, float bound) {
  const __m256 least = _mm256_set1_ps(bound);
  std::uint32_t rows = 0;
  for (unsigned p = 0; p < 4; ++p) {
    const __m256 most =
        _mm256_add_ps(_mm256_load_ps(estimates + p * 8), _mm256_load_ps(errors + p * 8));
    const int mask = _mm256_movemask_ps(_mm256_cmp_ps(most, least, _CMP_GE_OQ));
    rows |= static_cast<std::uint32_t>(mask) << (p * 8);
  }
  return rows;
}

}  // namespace slipway::index
