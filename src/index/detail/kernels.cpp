// Four rows at a time share the loads of the query; each row has two accumulators of eight floats,
// so eight independent FMA chains hide the latency of four cycles. From memory the loop runs at the
// speed of the bus, whatever more is done here (measured: docs/decisions/0004-vectors-library.md).
#include "index/detail/kernels.hpp"

#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/result.hpp"

namespace slipway::index {

namespace {

constexpr std::size_t huge_page_bytes = 2u << 20;

inline float sum(__m256 a, __m256 b) {
  const __m256 both = _mm256_add_ps(a, b);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  four = _mm_add_ss(four, _mm_shuffle_ps(four, four, 1));
  return _mm_cvtss_f32(four);
}

template <int rows>
inline void dot(const float* row, std::size_t stride, const float* query, float* out) {
  __m256 a[rows], b[rows];
  for (int r = 0; r < rows; ++r) a[r] = b[r] = _mm256_setzero_ps();
  for (std::size_t i = 0; i < stride; i += 16) {
    const __m256 low = _mm256_load_ps(query + i);
    const __m256 high = _mm256_load_ps(query + i + 8);
    for (int r = 0; r < rows; ++r) {
      a[r] = _mm256_fmadd_ps(low, _mm256_load_ps(row + r * stride + i), a[r]);
      b[r] = _mm256_fmadd_ps(high, _mm256_load_ps(row + r * stride + i + 8), b[r]);
    }
  }
  for (int r = 0; r < rows; ++r) out[r] = sum(a[r], b[r]);
}

}  // namespace

void Matrix::Free::operator()(float* data) const { std::free(data); }

void Matrix::move_to(std::size_t capacity) {
  const std::size_t bytes = std::max<std::size_t>(capacity * stride_ * sizeof(float), 64);
  const bool is_huge = bytes >= 4 * huge_page_bytes;
  const std::size_t alignment = is_huge ? huge_page_bytes : 64;
  auto* data = static_cast<float*>(
      std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  SLIPWAY_ASSERT(data != nullptr);
  // Fewer page faults while filling and fewer TLB misses while scanning; only a wish.
  if (is_huge) ::madvise(data, bytes, MADV_HUGEPAGE);
  if (rows_ > 0) std::memcpy(data, data_.get(), rows_ * stride_ * sizeof(float));
  data_.reset(data);
  capacity_ = capacity;
}

void Matrix::reserve(std::size_t rows) {
  if (rows > capacity_) move_to(rows);
}

void Matrix::add(std::string_view row) {
  SLIPWAY_ASSERT(row.size() == dimension_ * sizeof(float));
  if (rows_ == capacity_) move_to(std::max<std::size_t>(16, capacity_ * 2));
  float* to = data_.get() + rows_ * stride_;
  std::memcpy(to, row.data(), row.size());
  std::fill(to + dimension_, to + stride_, 0.0f);
  ++rows_;
}

void Matrix::shrink() {
  if (rows_ < capacity_) move_to(rows_);
}

PaddedVector::PaddedVector(std::span<const float> vector) : matrix_(vector.size()) {
  matrix_.reserve(1);
  matrix_.add(bytes_of(vector));
}

void dot_rows(const Rows& rows, const float* query, std::size_t first, std::size_t count,
              float* out) {
  const std::size_t stride = rows.stride();
  const float* row = rows.row(first);
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) dot<4>(row + i * stride, stride, query, out + i);
  for (; i < count; ++i) dot<1>(row + i * stride, stride, query, out + i);
}

}  // namespace slipway::index
