#include "core/ascii.hpp"

#include <doctest/doctest.h>

using namespace slipway;

TEST_CASE("ASCII letters become small, all other bytes stay where they are") {
  CHECK(ascii::lower("Content-TYPE: [@AZ`az{]") == "content-type: [@az`az{]");
  CHECK(ascii::lower("\xC3\x84 \xFF") == "\xC3\x84 \xFF");
  CHECK(ascii::lower("") == "");
}
