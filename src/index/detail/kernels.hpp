// The inner loops of exact vector search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace slipway::index {

/// Floats of one row in memory: the dimension rounded up to a whole cache line, filled with zeros.
constexpr std::size_t row_stride(std::size_t dimension) { return (dimension + 15) / 16 * 16; }

/// Rows of floats that somebody else owns, each aligned to 64 bytes.
struct Rows {
  const float* data = nullptr;
  std::size_t dimension = 0;
  std::size_t count = 0;

  std::size_t stride() const { return row_stride(dimension); }
  const float* row(std::size_t index) const { return data + index * stride(); }
};

/// Rows of floats, each aligned to 64 bytes; grows by doubling unless reserved.
class Matrix {
 public:
  explicit Matrix(std::size_t dimension) : dimension_(dimension), stride_(row_stride(dimension)) {}

  void reserve(std::size_t rows);
  /// `dimension` floats as bytes, aligned or not.
  void add(std::string_view row);
  void shrink();

  const float* row(std::size_t index) const { return data_.get() + index * stride_; }
  std::size_t rows() const { return rows_; }
  std::size_t dimension() const { return dimension_; }
  std::size_t stride() const { return stride_; }
  std::size_t bytes() const { return capacity_ * stride_ * sizeof(float); }
  Rows view() const { return {data_.get(), dimension_, rows_}; }

 private:
  struct Free {
    void operator()(float* data) const;
  };
  void move_to(std::size_t capacity);

  std::size_t dimension_;
  std::size_t stride_;
  std::size_t rows_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<float[], Free> data_;
};

/// Floats as the bytes that they are.
inline std::string_view bytes_of(std::span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size_bytes()};
}

/// A query laid out like a row of a matrix.
class PaddedVector {
 public:
  explicit PaddedVector(std::span<const float> vector);
  const float* data() const { return matrix_.row(0); }

 private:
  Matrix matrix_;
};

/// `out[i]` = query · row `first + i`. The sum of a row has one order whatever its neighbours are,
/// so scores do not depend on how rows are grouped into segments or ranges.
void dot_rows(const Rows& rows, const float* query, std::size_t first, std::size_t count,
              float* out);

}  // namespace slipway::index
