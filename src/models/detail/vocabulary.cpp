#include "models/detail/vocabulary.hpp"

#include <algorithm>
#include <bit>

#include "core/result.hpp"

namespace slipway::models::detail {

namespace {

std::uint64_t hash_of(Vocabulary::Position position, std::string_view token) {
  std::uint64_t hash = Vocabulary::seed(position);
  for (const char byte : token) hash = Vocabulary::extend(hash, byte);
  return hash;
}

}  // namespace

// A quarter of the slots or more stays free so that a miss is short.
Vocabulary::Vocabulary(std::size_t tokens_expected)
    : slots_(std::bit_ceil(tokens_expected * 4 / 3 + 2)), mask_(slots_.size() - 1) {
  constexpr std::size_t token_bytes_typical = 8;
  bytes_.reserve(tokens_expected * token_bytes_typical);
}

void Vocabulary::add(Position position, std::string_view token, std::uint32_t id) {
  SLIPWAY_ASSERT(bytes_.size() + token.size() < free_slot && size_ + 1 < slots_.size());
  ++size_;
  const std::uint64_t hash = hash_of(position, token);
  std::size_t at = slot_of(hash);
  for (; slots_[at].size != free_slot; at = (at + 1) & mask_) {
  }
  Slot& slot = slots_[at];
  slot.tag = tag_of(hash);
  slot.id = id;
  slot.offset = static_cast<std::uint32_t>(bytes_.size());
  slot.size = static_cast<std::uint32_t>(token.size());
  slot.is_inside = static_cast<std::uint32_t>(position);
  bytes_ += token;
  bytes_max_ = std::max(bytes_max_, token.size());
}

TokenId Vocabulary::find(Position position, std::string_view token) const {
  return find(position, token, hash_of(position, token));
}

}  // namespace slipway::models::detail
