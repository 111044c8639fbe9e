#include "eval/span_id.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

TEST_CASE("a stretch of a document has a name that can be read again") {
  const SpanId id{"a#b.md", 12, 40};
  CHECK(to_text(id) == "a#b.md#12-40");
  CHECK(parse_span_id(to_text(id)) == id);
  for (const char* text : {"", "a.md", "a.md#", "#1-2", "a#2-1", "a#1-1", "a#1-", "a#x-2", "a#1-2x",
                           "a#-1-2", "a#99999999999999999999-2"})
    CHECK_FALSE(parse_span_id(text));
}

}  // namespace slipway::eval
