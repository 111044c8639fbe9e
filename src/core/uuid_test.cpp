#include "core/uuid.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace slipway;

TEST_CASE("a random UUID says that it is one, and is never the same twice") {
  SeededRandom random(7);
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::string id = make_uuid(random);
    CAPTURE(id);
    REQUIRE(is_uuid(id));
    CHECK(id[14] == '4');
    CHECK(std::string_view("89ab").find(id[19]) != std::string_view::npos);
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("a UUID has its dashes where they belong and nowhere else") {
  const std::string id = dashed_uuid("0123456789abcdef0123456789abcdef");
  CHECK(id == "01234567-89ab-cdef-0123-456789abcdef");
  CHECK(is_uuid(id));
  CHECK(is_uuid("01234567-89AB-CDEF-0123-456789ABCDEF"));
  for (const char* other :
       {"", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdeg", "012345678-9ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdef0"}) {
    CAPTURE(other);
    CHECK_FALSE(is_uuid(other));
  }
}
