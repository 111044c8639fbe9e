// UTF-8 and the few Unicode properties that we need. Pure functions over utf8proc (Unicode 15).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::unicode {

/// One code point and the bytes that it takes. Invalid bytes decode one at a time to U+FFFD with
/// `valid` false.
struct Decoded {
  char32_t code_point = 0;
  std::uint32_t bytes = 1;
  bool valid = true;
};

/// `at` < text.size().
Decoded decode(std::string_view text, std::size_t at);
/// Surrogates and what lies beyond U+10FFFF are written as U+FFFD.
void append(std::string& out, char32_t code_point);
bool is_valid_utf8(std::string_view text);
/// Number of code points; an invalid byte counts one.
std::size_t length(std::string_view text);

/// True at 0, at the end, and everywhere that is not inside a valid sequence: exactly the positions
/// that repeated `decode` visits.
bool is_boundary(std::string_view text, std::size_t at);
/// The largest boundary <= `at`.
std::size_t floor_boundary(std::string_view text, std::size_t at);

bool is_letter(char32_t c);
bool is_digit(char32_t c);  ///< Any decimal digit (Nd).
bool is_mark(char32_t c);   ///< Combining marks (M*).
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_number(char32_t c);       ///< Any number (N*): digits, fractions, Roman numerals ...
bool is_punctuation(char32_t c);  ///< P*, and ASCII symbols.
/// As Python's `str.isspace`, so also U+001C..U+001F and U+0085.
bool is_space(char32_t c);
/// Zero-width and bidirectional controls, tags, variation selectors excluded: what a reader cannot
/// see.
bool is_invisible(char32_t c);
bool is_private_use(char32_t c);
/// Han, Hiragana, Katakana, Hangul: scripts without spaces between words (Hangul has them, but is
/// indexed alike).
bool is_cjk(char32_t c);

char32_t to_lower(char32_t c);
/// Full-string lower case by simple mapping.
std::string to_lower(std::string_view text);
/// Canonical composition (NFC). Invalid UTF-8 comes back as it is.
std::string nfc(std::string_view text);
/// Compatibility decomposition, case folded, marks removed: "Élan ﬁ" -> "elan fi". For matching
/// only.
std::string fold(std::string_view text);
/// Without leading and trailing `is_space`.
std::string_view trim(std::string_view text);

}  // namespace slipway::unicode
