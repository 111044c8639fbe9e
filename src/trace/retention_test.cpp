#include <doctest/doctest.h>

#include "trace/config.hpp"
#include "trace/detail/mount_fixture.hpp"

namespace slipway::trace::detail {

TEST_CASE("traces that began before a time are deleted, all of them, and no others") {
  Fixture f;
  std::vector<RunPatch> runs;
  for (int i = 0; i < 250; ++i) {
    runs.push_back(run("t" + std::to_string(i), "r" + std::to_string(i), "", i));
    runs.push_back(run("t" + std::to_string(i), "c" + std::to_string(i), runs.back().id, 1000));
  }
  f.put(runs);
  constexpr Nanoseconds millisecond = 1'000'000;
  CHECK(must(f.store->remove_before(Context(), eight_o_clock + 240 * millisecond)) == 240);
  CHECK(f.read("/api/traces?limit=1000").at("items").as_array().size() == 10);
  CHECK(must(f.store->remove_before(Context(), eight_o_clock + 240 * millisecond)) == 0);
}

TEST_CASE("the section of traces is held to its bounds") {
  CHECK(TracesConfig().validate().ok());
  CHECK_FALSE(TracesConfig{.max_request_bytes = 10}.validate().ok());
  CHECK_FALSE(TracesConfig{.max_queued_bytes = 1000}.validate().ok());
  CHECK_FALSE(TracesConfig{.retention_days = -1}.validate().ok());
}

}  // namespace slipway::trace::detail
