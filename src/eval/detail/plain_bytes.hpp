// Bytes that stand in a JSON string as they are, looked at 32 at a time.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace slipway::eval {

/// What `plain_bytes` reads.
constexpr std::size_t block_bytes = 32;

inline bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

/// How many of the 32 bytes at `bytes` are plain before the first that is not.
inline std::size_t plain_bytes(const char* bytes) {
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i highest = _mm256_set1_epi8(0x1f);
  const __m256i control = _mm256_cmpeq_epi8(_mm256_max_epu8(block, highest), highest);
  const __m256i quote = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('"'));
  const __m256i slash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('\\'));
  const __m256i marks = _mm256_or_si256(control, _mm256_or_si256(quote, slash));
  // Of none: 32.
  return static_cast<std::size_t>(
      std::countr_zero(static_cast<unsigned>(_mm256_movemask_epi8(marks))));
}

/// How many bytes from `at` on are plain.
inline std::size_t plain_run(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  for (; at + block_bytes <= text.size(); at += block_bytes)
    if (const std::size_t plain = plain_bytes(text.data() + at); plain < block_bytes)
      return at + plain - begin;
  char block[block_bytes] = {};  // What follows the text is not plain.
  if (at < text.size()) std::memcpy(block, text.data() + at, text.size() - at);
  return at + plain_bytes(block) - begin;
}

}  // namespace slipway::eval
