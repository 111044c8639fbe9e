#include "documents/detail/decoding.hpp"

#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "documents/detail/charsets.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr char32_t replacement_point = 0xFFFD;

/// Windows-1252 0x80..0x9F; its five unassigned bytes are the C1 controls, as browsers have it.
constexpr std::array<char16_t, 32> windows_1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

std::string utf8(char32_t c) {
  std::string bytes;
  unicode::append(bytes, c);
  return bytes;
}

DecodedText finish(MappedText mapped) {
  DecodedText decoded;
  decoded.map.pieces = mapped.take_pieces();
  decoded.text = mapped.take_text();
  return decoded;
}

DecodedText from_windows_1252(std::string_view bytes) {
  MappedText mapped;
  mapped.reserve(bytes.size() + bytes.size() / 8);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if (byte < 0x80)
      mapped.verbatim(bytes.substr(at, 1), at);
    else
      mapped.unit(utf8(byte < 0xA0 ? windows_1252[byte - 0x80] : byte), at, at + 1);
  }
  return finish(std::move(mapped));
}

DecodedText from_utf16(std::string_view bytes, bool is_big_endian) {
  const auto unit_at = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(is_big_endian ? first << 8 | second : second << 8 | first);
  };
  MappedText mapped;
  std::size_t bad = 0;
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    char32_t c = unit_at(at);
    std::size_t size = 2;
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      const char32_t low = unit_at(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        size = 4;
      }
    }
    if (c >= 0xD800 && c < 0xE000) {
      c = replacement_point;
      ++bad;
    }
    mapped.unit(utf8(c), at, at + size);
    at += size;
  }
  if (at < bytes.size()) {
    mapped.unit(replacement, at, at + 1);
    ++bad;
  }
  DecodedText decoded = finish(std::move(mapped));
  if (bad > 0)
    decoded.warnings.push_back(fmt::format("not valid UTF-16: {} places replaced by U+FFFD", bad));
  return decoded;
}

/// What the bytes that are not UTF-8 look like.
struct Census {
  std::size_t valid_multibyte = 0;
  std::size_t invalid = 0;
  std::size_t western = 0;  ///< Invalid bytes that are a letter or common sign in Windows-1252.
  std::size_t runs = 0;     ///< Stretches of invalid bytes.
};

bool is_western(unsigned char byte) {
  if (byte >= 0xC0) return byte != 0xD7 && byte != 0xF7;
  constexpr std::string_view signs =
      "\x80\x82\x84\x85\x8A\x8C\x8E\x91\x92\x93\x94\x95\x96\x97\x99\x9A\x9C\x9E\x9F"
      "\xA0\xA1\xA3\xA7\xA9\xAA\xAB\xAE\xB0\xB1\xB2\xB3\xB4\xB5\xB7\xBA\xBB\xBC\xBD\xBE\xBF";
  return signs.find(static_cast<char>(byte)) != std::string_view::npos;
}

Census take_census(std::string_view bytes) {
  Census census;
  bool was_invalid = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const unicode::Decoded now = unicode::decode(bytes, at);
    if (now.bytes > 1) ++census.valid_multibyte;
    if (!now.valid) {
      ++census.invalid;
      if (is_western(static_cast<unsigned char>(bytes[at]))) ++census.western;
      if (!was_invalid) ++census.runs;
    }
    was_invalid = !now.valid;
    at += now.bytes;
  }
  return census;
}

/// Whether the bytes end within a character of UTF-8, as a file that was cut does.
bool is_cut_at_end(std::string_view bytes) {
  std::size_t lead = bytes.size();
  while (lead > 0 && bytes.size() - lead < 3 && (bytes[lead - 1] & 0xC0) == 0x80) --lead;
  if (lead == 0) return false;
  const auto byte = static_cast<unsigned char>(bytes[lead - 1]);
  // A lone E9 at the end is rather the last letter of "café" in Windows-1252.
  return lead == bytes.size() ? byte >= 0xC2 && byte < 0xE0 : byte >= 0xE0 && byte < 0xF5;
}

/// Western text has single accented letters between ASCII ones; other alphabets and multibyte
/// encodings have long stretches.
bool looks_like_windows_1252(std::string_view bytes, const Census& census) {
  if (census.valid_multibyte * 10 > census.invalid) return false;
  if (census.western * 20 < census.invalid * 19) return false;
  if (census.invalid > census.runs * 2 || census.invalid * 3 > bytes.size()) return false;
  return census.runs > 1 || !is_cut_at_end(bytes);
}

Result<DecodedText> from_utf8(std::string_view bytes, std::size_t start) {
  DecodedText decoded;
  const std::string_view body = bytes.substr(start);
  if (unicode::is_valid_utf8(body)) {
    decoded.text = body;
    if (!body.empty()) decoded.map.pieces.push_back({0, body.size(), start, bytes.size()});
    return decoded;
  }
  const Census census = take_census(body);
  if (census.invalid * 10 > body.size() * 3)
    return fail(Code::unsupported,
                "text that is neither UTF-8 nor UTF-16 nor Windows-1252; convert it to UTF-8 "
                "(iconv -f ENCODING -t UTF-8)");
  MappedText mapped;
  mapped.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    const unicode::Decoded now = unicode::decode(body, at);
    if (now.valid)
      mapped.verbatim(body.substr(at, now.bytes), start + at);
    else
      mapped.unit(replacement, start + at, start + at + 1);
    at += now.bytes;
  }
  decoded = finish(std::move(mapped));
  decoded.warnings.push_back(
      fmt::format("not valid UTF-8: {} bytes replaced by U+FFFD", census.invalid));
  return decoded;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_windows_1252_label(std::string_view label) {
  return is_one_of(label, {"windows-1252", "cp1252", "x-cp1252", "iso-8859-1", "iso8859-1",
                           "iso_8859-1", "latin1", "latin-1", "l1", "us-ascii", "ascii"});
}

Result<DecodedText> guess(std::string_view bytes) {
  if (!unicode::is_valid_utf8(bytes) && looks_like_windows_1252(bytes, take_census(bytes))) {
    DecodedText decoded = from_windows_1252(bytes);
    decoded.warnings.emplace_back("not UTF-8: read as Windows-1252");
    return decoded;
  }
  return from_utf8(bytes, 0);
}

}  // namespace

Result<DecodedText> decode_text(std::string_view bytes, std::string_view charset) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xEF\xBB\xBF")) return from_utf8(bytes, 3);
  if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv))
    return fail(Code::unsupported,
                "text in UTF-32; convert it to UTF-8 (iconv -f UTF-32 -t UTF-8)");
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes, false);
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes, true);
  const std::string label = unicode::to_lower(unicode::trim(charset));
  if (is_windows_1252_label(label)) return from_windows_1252(bytes);
  // A <meta> that could be read says UTF-16 by mistake; the HTML standard then takes UTF-8.
  if (is_one_of(label,
                {"", "utf-8", "utf8", "unicode-1-1-utf-8", "utf-16", "utf-16le", "utf-16be"}))
    return guess(bytes);
  // Escape sequences make other sets of bytes that are all ASCII.
  if (unicode::is_valid_utf8(bytes) && bytes.find('\x1B') == std::string_view::npos) {
    DecodedText decoded = TRY(from_utf8(bytes, 0));
    const bool is_ascii = decoded.text.size() == unicode::length(decoded.text);
    if (!is_ascii)
      decoded.warnings.push_back(fmt::format("declares '{}' but is UTF-8: read as UTF-8", label));
    return decoded;
  }
  if (auto decoded = decode_charset(bytes, label)) return *std::move(decoded);
  // The name is foreign bytes as well.
  std::string name(label.substr(0, 40));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return fail(Code::unsupported,
              "text in the encoding '{}'; convert it to UTF-8 (iconv -f {} -t UTF-8)", name, name);
}

std::string declared_charset(std::string_view html) {
  constexpr std::size_t prefix_bytes = 4096;  // The standard asks for the first 1024.
  const std::string head = unicode::to_lower(html.substr(0, prefix_bytes));
  for (std::size_t at = head.find("<meta"); at != std::string::npos;
       at = head.find("<meta", at + 5)) {
    const std::string_view tag = std::string_view(head).substr(at, head.find('>', at) - at);
    std::size_t value = tag.find("charset");
    if (value == std::string_view::npos) continue;
    value = tag.find_first_not_of(" \t\r\n", value + 7);
    if (value == std::string_view::npos || tag[value] != '=') continue;
    value = tag.find_first_not_of(" \t\r\n\"'", value + 1);
    if (value == std::string_view::npos) continue;
    return std::string(tag.substr(value, tag.find_first_of(" \t\r\n\"';/", value) - value));
  }
  return {};
}

}  // namespace slipway::documents::detail
