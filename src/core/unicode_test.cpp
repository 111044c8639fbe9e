#include "core/unicode.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace slipway;
using namespace slipway::unicode;

TEST_CASE("code points decode, and each invalid byte is one replacement") {
  struct Row {
    std::string_view bytes;
    char32_t code_point;
    std::uint32_t size;
    bool valid;
  };
  const Row rows[] = {
      {"a", U'a', 1, true},
      {"é", U'é', 2, true},
      {"€", U'€', 3, true},
      {"😀", U'😀', 4, true},
      {"\x80", 0xFFFD, 1, false},
      {"\xc3", 0xFFFD, 1, false},
      {"\xe2\x82", 0xFFFD, 1, false},
      {"\xc0\xaf", 0xFFFD, 1, false},
      {"\xed\xa0\x80", 0xFFFD, 1, false},  // A surrogate.
      {"\xf4\x90\x80\x80", 0xFFFD, 1, false},
      {"\xff", 0xFFFD, 1, false},
      {"\xEF\xBF\xBD", 0xFFFD, 3, true},
  };
  for (const Row& row : rows) {
    const Decoded one = decode(row.bytes, 0);
    CHECK(one.code_point == row.code_point);
    CHECK(one.bytes == row.size);
    CHECK(one.valid == row.valid);
    CHECK(is_valid_utf8(row.bytes) == row.valid);
  }
  CHECK(length("aé€😀") == 4);
  CHECK(length("\xe2\x82") == 2);
}

TEST_CASE("every scalar value is written and read back, and nothing else is written") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append(text, c);
    const Decoded one = decode(text, 0);
    if (one.code_point != c || one.bytes != text.size() || !one.valid) FAIL(static_cast<int>(c));
  }
  for (const char32_t c : {0xD800u, 0xDFFFu, 0x110000u, 0xFFFFFFFFu}) {
    std::string text;
    append(text, c);
    CHECK(text == "\uFFFD");
  }
}

TEST_CASE("boundaries are exactly the places where decoding stops, for any bytes") {
  std::mt19937 random(3);
  const std::string_view pieces[] = {"a",    "é",    "€",        "😀",    "\x80", "\xbf",
                                     "\xe2", "\xc3", "\xf0\x9f", "\xff", " ",    "\xe2\x82"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 12; left > 0; --left) text += pieces[random() % std::size(pieces)];
    std::set<std::size_t> stops = {text.size()};
    for (std::size_t at = 0; at < text.size(); at += decode(text, at).bytes) stops.insert(at);
    for (std::size_t at = 0; at <= text.size() + 2; ++at) {
      const std::size_t place = std::min(at, text.size());
      REQUIRE(is_boundary(text, at) == stops.contains(place));
      REQUIRE(floor_boundary(text, at) == *std::prev(stops.upper_bound(place)));
    }
    const auto visible = [](std::string_view part) {
      std::string kept;
      for (std::size_t at = 0; at < part.size(); at += decode(part, at).bytes)
        if (!is_space(decode(part, at).code_point)) kept += part.substr(at, decode(part, at).bytes);
      return kept;
    };
    REQUIRE(visible(trim(text)) == visible(text));
    REQUIRE(trim(trim(text)).size() == trim(text).size());
  }
}

TEST_CASE("white space is what Python takes for it") {
  std::set<char32_t> spaces;
  for (char32_t c = 0; c <= 0x10FFFF; ++c)
    if (is_space(c)) spaces.insert(c);
  CHECK(spaces == std::set<char32_t>{0x9,    0xA,    0xB,    0xC,    0xD,    0x1C,   0x1D,   0x1E,
                                     0x1F,   0x20,   0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002,
                                     0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A,
                                     0x2028, 0x2029, 0x202F, 0x205F, 0x3000});
}

TEST_CASE("properties of characters") {
  CHECK(is_letter(U'ß'));
  CHECK(is_letter(U'漢'));
  CHECK(is_letter(U'ا'));
  CHECK_FALSE(is_letter(U'1'));
  CHECK(is_digit(U'٣'));
  CHECK_FALSE(is_digit(U'½'));
  CHECK(is_number(U'½'));
  CHECK(is_number(U'Ⅷ'));
  CHECK(is_mark(0x301));
  CHECK(is_upper(U'É'));
  CHECK(is_upper(U'ǅ'));
  CHECK_FALSE(is_upper(U'漢'));
  CHECK(is_lower(U'é'));
  CHECK_FALSE(is_lower(U'É'));
  CHECK_FALSE(is_lower(U'1'));
  CHECK(is_punctuation(U'。'));
  CHECK(is_punctuation(U'$'));
  CHECK_FALSE(is_punctuation(U'a'));
  CHECK(is_invisible(0x200B));
  CHECK(is_invisible(0x202E));
  CHECK(is_invisible(0xE0041));
  CHECK_FALSE(is_invisible(U'a'));
  CHECK(is_private_use(0xE000));
  CHECK(is_cjk(U'漢'));
  CHECK(is_cjk(U'カ'));
  CHECK(is_cjk(U'한'));
  CHECK_FALSE(is_cjk(U'a'));
}

TEST_CASE("case, composition and folding") {
  CHECK(to_lower("ÄÖÜ Straße ΣΑΣ \xff") == "äöü straße σασ \xff");
  CHECK(nfc("e\u0301") == "é");
  CHECK(nfc("\xff") == "\xff");
  CHECK(fold("Élan ﬁ ①") == "elan fi 1");
  CHECK(fold("Straße") == "strasse");
  CHECK(fold("\xff"
             "A") ==
        "\xff"
        "A");
  CHECK(fold("") == "");
}

TEST_CASE("trimming takes all white space and only that") {
  CHECK(trim(" \t\u3000a b\u00a0\n") == "a b");
  CHECK(trim("   ") == "");
  CHECK(trim("") == "");
  CHECK(trim(" \x80") == "\x80");
  CHECK(trim("\x80 ") == "\x80");
  CHECK(trim("\u200b") == "\u200b");
}
