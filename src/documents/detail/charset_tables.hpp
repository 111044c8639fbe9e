// The tables that tools/make_charsets.py writes at build time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace slipway::documents::detail {

struct SingleByteTable {
  const char* name;
  const char16_t* high;  ///< Bytes 0x80..0xFF; 0 where there is no character.
};
struct DoubleByteTable {
  const char* name;
  int first_min, first_max, second_min, second_max;
  const char16_t* codes;  ///< By first byte, then by second.
};
struct CodeRange {
  std::uint32_t index;  ///< Of the first four-byte code.
  std::uint32_t code;   ///< Its code point; those behind it follow.
};

extern const SingleByteTable single_byte_tables[];
extern const std::size_t single_byte_table_count;
extern const DoubleByteTable double_byte_tables[];
extern const std::size_t double_byte_table_count;
extern const CodeRange gb18030_ranges[];
extern const std::size_t gb18030_range_count;

}  // namespace slipway::documents::detail
