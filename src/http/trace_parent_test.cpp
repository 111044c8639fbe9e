#include "http/trace_parent.hpp"

#include <doctest/doctest.h>

using namespace slipway::http;

TEST_CASE("a traceparent names a trace and a run, in this version and in later ones") {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";
  for (const std::string& sound :
       {"00-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-00",
        "cc-" + trace + "-" + span + "-01-what-comes-later"}) {
    const auto parent = parse_traceparent(sound);
    REQUIRE_MESSAGE(parent, sound);
    CHECK(parent->trace_id == trace);
    CHECK(parent->span_id == span);
  }
  for (const std::string& unsound :
       {std::string(), std::string("00"), "00-" + trace + "-" + span,
        "ff-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-01-more",
        "00-" + trace + "-" + span + "-0x", "0g-" + trace + "-" + span + "-01",
        "00-" + std::string(32, '0') + "-" + span + "-01",
        "00-" + trace + "-" + std::string(16, '0') + "-01", "00_" + trace + "-" + span + "-01",
        "00-" + std::string(32, 'A') + "-" + span + "-01"})
    CHECK_MESSAGE(!parse_traceparent(unsound), unsound);
}
