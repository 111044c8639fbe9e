#include "core/excerpt.hpp"

#include <doctest/doctest.h>

using namespace slipway;

TEST_CASE("an excerpt is the whole text, or its beginning without half a character") {
  CHECK(excerpt("", 0).empty());
  CHECK(excerpt("four", 4) == "four");
  CHECK(excerpt("fourteen", 4) == "four...");
  CHECK(excerpt("\xC3\xA4\xC3\xB6\xC3\xBC", 3) == "\xC3\xA4...");
  CHECK(excerpt("\xE2\x82\xAC", 2) == "...");
  CHECK(excerpt("\x80\x80\x80\x80", 2) == "\x80\x80...");  // What is no UTF-8 is cut anywhere.
}
