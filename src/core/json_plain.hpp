// What of a text stands in a JSON string as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace slipway::json {

/// Where the first character from `at` on stands that is not plain: a quote, a backslash, a control
/// character or a part of something that is not ASCII. The text's end where all are plain.
inline std::size_t plain_end(std::string_view text, std::size_t at) {
  // As many as a register of every processor that is in use compares at once. What is not ASCII is
  // negative.
  using Bytes = signed char __attribute__((vector_size(16)));
  using Halves = std::int64_t __attribute__((vector_size(16)));
  Bytes bytes;
  for (; text.size() - at >= sizeof bytes; at += sizeof bytes) {
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    const auto found = reinterpret_cast<Halves>((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
    if ((found[0] | found[1]) != 0) break;
  }
  while (at < text.size() && static_cast<signed char>(text[at]) >= 0x20 && text[at] != '"' &&
         text[at] != '\\')
    ++at;
  return at;
}

}  // namespace slipway::json
