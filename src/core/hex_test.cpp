#include "core/hex.hpp"

#include <doctest/doctest.h>

using namespace slipway;

TEST_CASE("bytes become two small digits each, and come back from digits of either case") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(hex::encode(std::string_view("\x00\x0F\xA0\xFF", 4)) == "000fa0ff");
  CHECK(hex::decode(hex::encode(bytes)) == bytes);
  CHECK(hex::decode("Aa0") == "\xAA");
}

TEST_CASE("a number has sixteen digits") {
  CHECK(hex::encode(std::uint64_t(0)) == "0000000000000000");
  CHECK(hex::encode(std::uint64_t(0xFEDCBA9876543210)) == "fedcba9876543210");
}

TEST_CASE("a hex digit is one of 22 characters") {
  int count = 0;
  for (int c = -128; c < 128; ++c) count += hex::is_digit(static_cast<char>(c)) ? 1 : 0;
  CHECK(count == 22);
  CHECK(hex::value('9') == 9);
  CHECK(hex::value('f') == 15);
  CHECK(hex::value('F') == 15);
  for (const char c : {'/', ':', '@', 'G', '`', 'g'}) CHECK(hex::value(c) == -1);
}

TEST_CASE("a hash in capitals is not small") {
  CHECK(hex::is_small("0af9"));
  CHECK(hex::is_small(""));
  CHECK_FALSE(hex::is_small("0Af9"));
  CHECK_FALSE(hex::is_small("0ag9"));
}
