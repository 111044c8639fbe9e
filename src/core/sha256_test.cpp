#include "core/sha256.hpp"

#include <doctest/doctest.h>

#include "core/files.hpp"

namespace slipway {

TEST_CASE("pieces hash as the whole does") {
  Sha256Stream stream;
  stream.add("a");
  stream.add("");
  stream.add("bc");
  CHECK(stream.finish() == sha256("abc"));
  CHECK(Sha256Stream().finish() == sha256(""));
}

}  // namespace slipway
