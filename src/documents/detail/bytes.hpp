// Numbers and strings as compact bytes, for what is stored and what crosses the sandbox.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::documents::detail {

/// Seven bits a byte, smallest first.
class ByteWriter {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  /// Small for small values of either sign.
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void real(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(bits >> shift);
  }
  void string(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what a ByteWriter wrote. After anything unexpected `ok` is false and all values are zero,
/// so that a reader need ask only at its end and in its loops.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left() == 0) break;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return static_cast<std::uint64_t>(fail());
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  double real() {
    if (left() < 8) return fail();
    std::uint64_t bits = 0;
    for (int shift = 0; shift < 64; shift += 8)
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at_++])) << shift;
    return std::bit_cast<double>(bits);
  }
  std::string_view string() {
    const std::uint64_t size = number();
    if (size > left()) {
      fail();
      return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  /// How many things of at least `bytes_each` follow; never more than the bytes can hold.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t value = number();
    if (value > left() / bytes_each) fail();
    return ok_ ? value : 0;
  }

 private:
  int fail() {
    ok_ = false;
    at_ = bytes_.size();
    return 0;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace slipway::documents::detail
