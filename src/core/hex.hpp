// Bytes as hexadecimal digits.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::hex {

/// What a digit of either case is worth; -1 for any other character.
constexpr int value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_digit(char c) { return value(c) >= 0; }

/// Whether it is digits only and none of them a capital; so is nothing at all.
constexpr bool is_small(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) && (c < 'A' || c > 'F'); });
}

inline constexpr std::string_view small_digits = "0123456789abcdef";

/// Two small digits a byte.
inline std::string encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += small_digits[byte >> 4];
    text += small_digits[byte & 15];
  }
  return text;
}

/// A number as its sixteen small digits.
inline std::string encode(std::uint64_t number) {
  std::array<char, 16> text;
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4)
    *at = small_digits[number & 15];
  return {text.data(), text.size()};
}

/// The bytes of what is known to be digits; a last one without its pair is left out.
inline std::string decode(std::string_view digits) {
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(value(digits[i]) << 4 | value(digits[i + 1]));
  return bytes;
}

}  // namespace slipway::hex
