// A WordPiece vocabulary that is searched without allocating.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::models::detail {

using TokenId = std::int64_t;  ///< As ONNX models want it.

/// Open addressing over the tokens' bytes; a token that continues a word is stored without its
/// prefix under another seed. The hash of every prefix of a word comes from one pass, so that
/// "longest piece first" costs one probe per candidate. Immutable once filled.
class Vocabulary {
 public:
  enum class Position : std::uint32_t { start, inside };

  /// `tokens_expected`: how often `add` will be called at most.
  explicit Vocabulary(std::size_t tokens_expected);
  void add(Position position, std::string_view token, std::uint32_t id);

  /// -1 when it is not there. The hash is `extend`ed from `seed(position)` over all bytes.
  TokenId find(Position position, std::string_view token, std::uint64_t hash) const {
    for (std::size_t at = slot_of(hash);; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.size == free_slot) return -1;
      if (slot.tag == tag_of(hash) && slot.is_inside == static_cast<std::uint32_t>(position) &&
          token == std::string_view(bytes_).substr(slot.offset, slot.size))
        return slot.id;
    }
  }
  TokenId find(Position position, std::string_view token) const;

  static std::uint64_t seed(Position position) {
    return position == Position::start ? 0xCBF29CE484222325 : 0x9E3779B97F4A7C15;
  }
  static std::uint64_t extend(std::uint64_t hash, char byte) {
    return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  }
  std::size_t bytes_max() const { return bytes_max_; }

 private:
  static constexpr std::uint32_t free_slot = 0x7FFFFFFF;
  /// 16 bytes: the table of 30,000 tokens should stay in the cache.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t id = 0;
    std::uint32_t offset = 0;
    std::uint32_t size : 31 = free_slot;
    std::uint32_t is_inside : 1 = 0;
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  // The low bits of this hash are weak: the last byte hardly reaches the upper ones and vice versa.
  std::size_t slot_of(std::uint64_t hash) const { return (hash ^ (hash >> 29)) & mask_; }

  std::string bytes_;
  std::vector<Slot> slots_;
  std::size_t mask_;
  std::size_t size_ = 0;
  std::size_t bytes_max_ = 0;
};

}  // namespace slipway::models::detail
