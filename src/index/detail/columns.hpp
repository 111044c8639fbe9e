// The attributes of a segment's documents by key and value, so that a filter costs what it finds
// and not what there is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/guarded.hpp"
#include "index/filter.hpp"

namespace slipway::index {

class Segment;

/// One bit per document or chunk.
class Bits {
 public:
  Bits() = default;
  explicit Bits(std::size_t size, bool value = false)
      : size_(size), words_((size + 31) / 32, value ? 0xFFFF'FFFFu : 0u) {
    trim();
  }

  std::size_t size() const { return size_; }
  bool operator[](std::size_t i) const { return (words_[i / 32] >> (i % 32) & 1) != 0; }
  void set(std::size_t i) { words_[i / 32] |= 1u << (i % 32); }
  void reset(std::size_t i) { words_[i / 32] &= ~(1u << (i % 32)); }
  void set_range(std::size_t first, std::size_t last);
  std::size_t count() const;
  /// Bits 32 i .. 32 i + 31.
  std::uint32_t word(std::size_t i) const { return words_[i]; }
  std::size_t words() const { return words_.size(); }

  Bits& operator&=(const Bits& other);
  Bits& operator|=(const Bits& other);
  void flip();

 private:
  void trim();

  std::size_t size_ = 0;
  std::vector<std::uint32_t> words_;
};

struct Column;

/// Made key by key when a filter first asks, then kept as long as the segment. Any thread.
class Columns {
 public:
  explicit Columns(const Segment& segment) : segment_(segment) {}
  ~Columns();
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  /// The documents that pass. Fails: invalid_argument when stored attributes are damaged.
  Result<Bits> select(const Filter& filter) const;

 private:
  using ColumnPointer = std::shared_ptr<const Column>;
  Result<Bits> select_node(const Filter::Node& node) const;
  Result<ColumnPointer> column(const Filter::Node& node) const;

  const Segment& segment_;
  mutable Guarded<std::map<std::string, ColumnPointer>> columns_;
};

}  // namespace slipway::index
