#include "eval/gate.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "eval/detail/draws.hpp"
#include "eval/stat_request.hpp"

namespace slipway::eval {

namespace {

constexpr int items = 120, cluster_size = 4;

/// About normal: mean 0, deviation 1.
double noise(detail::Draws& draws) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += draws.unit();
  return sum - 6;
}

/// Scores whose differences have the mean -drop and move together within a cluster.
Pairs pairs_with(detail::Draws& draws, double drop) {
  Pairs pairs;
  double shared = 0;
  for (int i = 0; i < items; ++i) {
    if (i % cluster_size == 0) shared = 0.08 * noise(draws);
    const double base = 0.7 + 0.15 * noise(draws);
    pairs.baseline.push_back(base);
    pairs.candidate.push_back(base - drop + shared + 0.1 * noise(draws));
    pairs.clusters.push_back(static_cast<std::uint32_t>(i / cluster_size));
  }
  return pairs;
}

struct Rates {
  double regressed = 0, non_inferior = 0;
};

/// Of `runs` gates over `metrics` metrics, how many have one that regressed; and how many have no
/// metric that is not non-inferior.
Rates simulate(int runs, int metrics, double drop, double margin) {
  Rates rates;
  for (int run = 0; run < runs; ++run) {
    detail::Draws draws(101, static_cast<std::uint64_t>(run));
    std::vector<GateMetric> all;
    for (int i = 0; i < metrics; ++i)
      all.push_back({.name = "m", .margin = margin, .pairs = pairs_with(draws, drop)});
    bool regressed = false, non_inferior = true;
    for (const MetricVerdict& judged : judge_metrics(all, {.resamples = 999})) {
      regressed |= judged.verdict == Verdict::regressed;
      non_inferior &= judged.verdict == Verdict::non_inferior;
    }
    rates.regressed += regressed ? 1.0 / runs : 0;
    rates.non_inferior += non_inferior ? 1.0 / runs : 0;
  }
  return rates;
}

}  // namespace

TEST_CASE("without a change a gate over many metrics fails in at most one run of twenty") {
  // 400 runs: the error of a rate of .05 is .011. The margin is so small that nearly every
  // verdict rests on the test.
  const Rates rates = simulate(400, 5, 0, 0.001);
  CHECK(rates.regressed <= 0.075);
  const Rates wide = simulate(200, 5, 0, 0.1);
  CHECK(wide.regressed <= 0.02);
  CHECK(wide.non_inferior >= 0.95);
}

TEST_CASE("a drop of the margin, where it can be detected, fails in four of five runs") {
  // The differences' deviation is .128, their ICC .39. The formula is of normal quantiles; with 30
  // clusters those of t are 2.7 % larger.
  const Power power{.sd = 0.128, .n = items, .mean_cluster_size = cluster_size, .icc = 0.39};
  const double drop = std::max(0.03, 1.027 * minimum_detectable_effect(power).mde);
  CHECK(simulate(400, 1, drop, 0.03).regressed >= 0.78);
  detail::Draws draws(7, 0);
  CHECK(*compare(pairs_with(draws, 0)).mde == doctest::Approx(drop).epsilon(0.3));
  // A drop of exactly the margin must not be called no loss.
  CHECK(simulate(400, 1, 0.05, 0.05).non_inferior <= 0.075);
}

TEST_CASE("the verdicts are what the bounds and the test say") {
  Pairs pairs;
  for (int i = 0; i < 40; ++i) {
    pairs.baseline.push_back(0.8);
    pairs.candidate.push_back(0.8 - (i % 2 == 0 ? 0.1 : 0.14));
  }
  const auto judged = judge_metrics({{.name = "a", .margin = 0.05, .pairs = pairs},
                                     {.name = "b", .margin = 0.2, .pairs = pairs},
                                     {.name = "c", .margin = 0.05, .pairs = {}}});
  CHECK(judged[0].verdict == Verdict::regressed);
  CHECK(judged[0].comparison.difference == doctest::Approx(-0.12));
  CHECK(judged[1].verdict == Verdict::non_inferior);
  CHECK(judged[2].verdict == Verdict::inconclusive);
  CHECK(!judged[2].comparison.low);
}

TEST_CASE("where lower is better a rise is a loss") {
  Pairs pairs;
  for (int i = 0; i < 40; ++i) {
    pairs.baseline.push_back(100);
    pairs.candidate.push_back(i % 2 == 0 ? 140 : 150);
  }
  const GateMetric latency{.name = "l", .margin = 5, .pairs = pairs, .lower_is_better = true};
  CHECK(judge_metrics({latency})[0].verdict == Verdict::regressed);
  GateMetric faster = latency;
  std::swap(faster.pairs.baseline, faster.pairs.candidate);
  CHECK(judge_metrics({faster})[0].verdict == Verdict::non_inferior);
}

TEST_CASE("an inconclusive verdict says how many items it would take") {
  detail::Draws draws(9, 0);
  const auto judged = judge_metrics(
      {{.name = "a", .margin = 0.001, .pairs = pairs_with(draws, 0), .lower_is_better = false}});
  REQUIRE(judged[0].verdict == Verdict::inconclusive);
  CHECK(*judged[0].items_needed > items);
}

TEST_CASE("the gate by name: critical items, missing ones and inconclusive ones") {
  const auto decide = [](std::string_view text) {
    const auto answer = answer_stat(*json::parse(text));
    REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message()));
    return *answer;
  };
  const auto same = decide(R"({"stat":"gate","args":{"metrics":[{"name":"m","margin":0.05,
      "baseline":[1,1,0,1],"candidate":[1,1,0,1]}]}})");
  CHECK(same.at("decision") == "pass");
  CHECK(same.at("metrics").at(0).at("verdict") == "non_inferior");
  const auto critical = decide(R"({"stat":"gate","args":{
      "items":[{"id":"a","severity":"critical"},{"id":"b"},{"id":"c","severity":"critical"}],
      "metrics":[{"name":"m","margin":2,"baseline":[1,1,0],"candidate":[0,0,0]}]}})");
  CHECK(critical.at("decision") == "fail");
  CHECK(critical.at("critical") == json::Array{"a"});
  const auto missing = decide(R"({"stat":"gate","args":{"metrics":[{"name":"m","margin":0.05,
      "baseline":[1,1,1,1],"candidate":[1,1,1,null]}]}})");
  CHECK(missing.at("decision") == "fail");
  const std::string_view few = R"({"stat":"gate","args":{"inconclusive":"fail","metrics":[
      {"name":"m","margin":0.05,"baseline":[1,0,1],"candidate":[1,1,0]}]}})";
  CHECK(decide(few).at("decision") == "fail");
  CHECK(decide(few).at("metrics").at(0).at("verdict") == "inconclusive");
}

}  // namespace slipway::eval
