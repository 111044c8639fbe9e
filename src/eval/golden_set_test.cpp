#include "eval/golden_set.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {

Golden golden_in(const std::string& input, json::Object metadata) {
  Golden golden;
  golden.input = input;
  golden.metadata = std::move(metadata);
  return golden;
}

}  // namespace

TEST_CASE("a golden is in the splits that its metadata name, else in base") {
  using Splits = std::vector<std::string>;
  CHECK(splits_of(golden_in("a", {})) == Splits{"base"});
  CHECK(splits_of(golden_in("a", {{"split", "smoke"}})) == Splits{"smoke"});
  CHECK(splits_of(golden_in("a", {{"dataset_split", json::Array{"x", "y"}}})) == Splits{"x", "y"});
  CHECK(splits_of(golden_in("a", {{"dataset_split", 3}})) == Splits{"base"});
  CHECK(splits_of(golden_in("a", {{"dataset_split", json::Array()}})) == Splits{"base"});
}

TEST_CASE("a set is narrowed to splits, with lines and in order; none there is told") {
  GoldenSet all;
  REQUIRE(all.add(golden_in("a", {}), 1));
  REQUIRE(all.add(golden_in("b", {{"dataset_split", json::Array{"smoke"}}}), 2));
  REQUIRE(all.add(golden_in("c", {{"split", "hard"}}), 3));
  const auto two = in_splits(all, {"hard", "smoke"});
  REQUIRE(two);
  REQUIRE(two->size() == 2);
  CHECK(two->at(0).input == "b");
  CHECK(two->line(1) == 3);
  CHECK(two->version() != all.version());
  const auto none = in_splits(all, {"smok"});
  REQUIRE_FALSE(none);
  CHECK(none.error().code() == Code::not_found);
  CHECK(none.error().message() == "no golden is in split smok; there are: base, hard, smoke");
}

}  // namespace slipway::eval
