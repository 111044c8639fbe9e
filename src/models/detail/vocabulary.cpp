#include "models/detail/vocabulary.hpp"

#include <algorithm>
#include <bit>

#include "core/result.hpp"

namespace slipway::models::detail {

namespace {

std::uint64_t hash_of(Vocabulary::Position position, std::string_view token) {
  auto hash = static_cast<std::uint64_t>(position);
  for (const char byte : token) hash = Vocabulary::extend(hash, byte);
  return hash;
}

}  // namespace

// A token may be stored at both positions, and half of the slots stay free so that a miss is short.
Vocabulary::Vocabulary(std::size_t tokens_expected)
    : slots_(std::bit_ceil(tokens_expected * 2 + 1) * 2), mask_(slots_.size() - 1) {}

void Vocabulary::add(Position position, std::string_view token, std::uint32_t id) {
  const std::uint64_t hash = hash_of(position, token);
  std::size_t at = slot_of(hash);
  for (; slots_[at].size != free_slot; at = (at + 1) & mask_) {
  }
  SLIPWAY_ASSERT(bytes_.size() + token.size() < free_slot);
  slots_[at] = {tag_of(hash), id, static_cast<std::uint32_t>(bytes_.size()),
                static_cast<std::uint32_t>(token.size()), position};
  bytes_ += token;
  bytes_max_ = std::max(bytes_max_, token.size());
}

TokenId Vocabulary::find(Position position, std::string_view token) const {
  return find(position, token, hash_of(position, token));
}

}  // namespace slipway::models::detail
