// Numbers and texts as bytes, and columns of numbers that are read in place.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::trace::detail {

/// For tables and checksums against accidents; whoever knows the seed can make two texts alike.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

/// Appends to a text that outlives it.
class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}
  void count(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void number(std::int64_t value) {
    count((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value) {
    count(value.size());
    out_ += value;
  }

 private:
  std::string& out_;
};

/// Reads what a `Packer` wrote. What is not there reads as 0 or empty, and `is_sound` is false
/// then.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t count() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    is_sound_ = false;
    return 0;
  }
  std::int64_t number() {
    const std::uint64_t value = count();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view text() {
    const std::uint64_t size = count();
    if (size > bytes_.size()) {
      is_sound_ = false;
      return {};
    }
    const std::string_view value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return value;
  }
  bool is_sound() const { return is_sound_; }
  bool is_at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool is_sound_ = true;
};

/// Rows of a column that share a minimum and a width.
inline constexpr std::size_t block_rows = 1024;

/// Builds a column: each block of rows is its minimum and the differences from it, in as few bits
/// as they take.
class ColumnWriter {
 public:
  void add(std::int64_t value) {
    open_.push_back(value);
    if (open_.size() == block_rows) flush();
  }
  std::size_t bytes() const { return data_.size() + heads_.size(); }
  /// The bytes of the column. Ends it.
  std::string finish();

 private:
  void flush();
  std::vector<std::int64_t> open_;
  std::string heads_, data_;
};

/// A column inside bytes that must outlive it.
class ColumnView {
 public:
  ColumnView() = default;
  /// Fails: invalid_argument (not a column of so many rows).
  static Result<ColumnView> open(std::string_view bytes, std::size_t rows);

  std::size_t rows() const { return rows_; }
  /// `row` < `rows()`.
  std::int64_t at(std::size_t row) const {
    const Head& head = heads_[row / block_rows];
    if (head.bits == 0) return head.least;
    const std::size_t bit = (row % block_rows) * head.bits;
    std::uint64_t raw = 0;
    std::memcpy(&raw, data_ + head.offset + bit / 8, sizeof raw);
    raw >>= bit % 8;
    if (head.bits < 64) raw &= (1ull << head.bits) - 1;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(head.least) + raw);
  }
  std::int64_t least(std::size_t block) const { return heads_[block].least; }
  std::int64_t most(std::size_t block) const { return heads_[block].most; }
  std::size_t blocks() const { return (rows_ + block_rows - 1) / block_rows; }
  /// The first row whose value is not less; the column must be sorted.
  std::size_t lower_bound(std::int64_t value) const;

  struct Head {
    std::int64_t least = 0, most = 0;
    std::uint64_t offset : 56 = 0;
    std::uint64_t bits : 8 = 0;
  };

 private:
  const Head* heads_ = nullptr;
  const char* data_ = nullptr;
  std::size_t rows_ = 0;
};

/// Texts in few bytes: hex digits and UUIDs as the bytes that they mean.
std::string pack_id(std::string_view id);
std::string unpack_id(std::string_view packed);

}  // namespace slipway::trace::detail
