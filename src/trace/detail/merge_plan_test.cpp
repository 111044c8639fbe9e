#include "trace/detail/merge_plan.hpp"

#include <doctest/doctest.h>

namespace slipway::trace::detail {

namespace {

using Files = std::vector<MergeCandidate>;

Files files(std::size_t count, std::size_t runs, std::int64_t day = 0) {
  return Files(count, MergeCandidate{.day = day, .runs = runs, .bytes = runs * 50});
}

Files joined(Files a, const Files& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("files of about one size and one day become one, when there are enough of them") {
  CHECK(plan_merge(files(5, 2'000), {}).inputs.empty());
  CHECK(plan_merge(files(6, 2'000), {}).inputs.size() == 6);
  CHECK(plan_merge(joined(files(3, 2'000, 1), files(3, 2'000, 2)), {}).inputs.empty());
  CHECK(plan_merge(joined(files(3, 2'000), files(3, 100'000)), {}).inputs.empty());
  CHECK(plan_merge(files(100, 2'000), {}).inputs.size() == 32);
}

TEST_CASE("no file grows beyond its bounds, and what cannot be merged does not wait for it") {
  CHECK(plan_merge(files(40, 100'000), {}).inputs.size() == 6);
  const auto plan = plan_merge(files(40, 400'000), {});
  CHECK(plan.inputs.empty());
  CHECK(plan.waiting == 0);
  CHECK(plan_merge(files(8, 10'000), {.bytes_max = 1'000'000}).inputs.size() == 2);
}

TEST_CASE("what waits is counted over all sizes, and the small ones come first") {
  const Files all = joined(files(12, 100'000), files(40, 2'000));
  const auto plan = plan_merge(all, {});
  CHECK(plan.waiting == 52);
  REQUIRE(plan.inputs.size() == 32);
  CHECK(plan.inputs.front() == 12);
}

TEST_CASE("a file that somebody merges is left to him, and one that is to be written anew goes") {
  Files all = files(6, 2'000);
  all[2].is_busy = true;
  CHECK(plan_merge(all, {}).inputs.empty());
  all.push_back({.runs = 5'000, .is_alone = true});
  CHECK(plan_merge(all, {}).inputs == std::vector<std::size_t>{6});
  all.back().is_busy = true;
  CHECK(plan_merge(all, {}).inputs.empty());
}

}  // namespace slipway::trace::detail
