#include "core/base64.hpp"

#include <doctest/doctest.h>

using namespace slipway;

TEST_CASE("base64 is that of RFC 4648, with padding for any length") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CAPTURE(bytes);
    CHECK(base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("base64 for URLs has no sign that a URL would change") {
  CHECK(base64("\xFB\xFF\xFE") == "+//+");
  CHECK(base64url("\xFB\xFF\xFE") == "-__-");
  CHECK(base64url("f") == "Zg");
}

TEST_CASE("base64 is read in either alphabet, padded or not, and nothing else is") {
  CHECK(from_base64("+/-_") == from_base64("-_+/"));
  CHECK(from_base64("Zg") == "f");
  for (const char* broken : {"Z", "Zg==\n", "Z=g=", "Zg===", "Zm9v!", "\xC3\xA4"}) {
    CAPTURE(broken);
    CHECK_FALSE(from_base64(broken).has_value());
  }
}

TEST_CASE("all bytes survive base64") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(from_base64(base64(bytes)) == bytes);
  CHECK(from_base64(base64url(bytes)) == bytes);
}
