#include "eval/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "core/files.hpp"
#include "eval/detail/cluster_sums.hpp"
#include "eval/detail/draws.hpp"
#include "eval/stat_request.hpp"

namespace slipway::eval {

namespace {

/// Numbers within the tolerance, all else equal; members that only the reply has are extra.
bool agrees(const json::Value& expected, const json::Value& got, double tolerance) {
  if (expected.is_number())
    return got.is_number() &&
           std::fabs(expected.to_number<double>() - got.to_number<double>()) <= tolerance;
  if (expected.is_array()) {
    if (!got.is_array() || got.get_array().size() != expected.get_array().size()) return false;
    for (std::size_t i = 0; i < expected.get_array().size(); ++i)
      if (!agrees(expected.get_array()[i], got.get_array()[i], tolerance)) return false;
    return true;
  }
  if (!expected.is_object()) return expected == got;
  for (const auto& [key, value] : expected.get_object()) {
    const json::Value* found = got.get_object().if_contains(key);
    if (!found || !agrees(value, *found, tolerance)) return false;
  }
  return true;
}

/// How many cases of the file pass.
std::size_t passing_cases(const std::filesystem::path& file) {
  const json::Value vectors = *json::parse(*read_file(file));
  const json::Object& all = vectors.get_object();
  const double tolerance = all.at("tolerance").to_number<double>();
  std::size_t passing = 0;
  for (const json::Value& item : all.at("cases").get_array()) {
    json::Object request = item.get_object();
    const json::Value expected = request.at("expect");
    request.erase("expect");
    const auto answer = answer_stat(request);
    const bool good = answer && agrees(expected, *answer, tolerance);
    CHECK_MESSAGE(good, json::dump(request.at("id")));
    passing += good ? 1 : 0;
  }
  return passing;
}

json::Object ask(std::string_view text) {
  const auto answer = answer_stat(*json::parse(text));
  REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message()));
  return *answer;
}
double number(const json::Object& object, std::string_view key) {
  return object.at(key).to_number<double>();
}

}  // namespace

TEST_CASE("every vector of a statistic passes") {
  std::size_t files = 0, passing = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLIPWAY_TEST_DATA))
    if (entry.path().filename().string().starts_with("stat_")) {
      ++files;
      passing += passing_cases(entry.path());
    }
  CHECK(files == 11);
  CHECK(passing == 11 * 18);
}

TEST_CASE("quantiles are exact to nine digits") {
  // Of R 4.2: qnorm and qt.
  CHECK(normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-12));
  CHECK(normal_quantile(1e-9) == doctest::Approx(-5.997807015007686).epsilon(1e-11));
  CHECK(t_quantile(0.975, 1) == doctest::Approx(12.706204736174707).epsilon(1e-11));
  CHECK(t_quantile(0.975, 2) == doctest::Approx(4.302652729749464).epsilon(1e-11));
  CHECK(t_quantile(0.95, 30) == doctest::Approx(1.697260886593957).epsilon(1e-11));
  CHECK(t_quantile(0.5, 7) == doctest::Approx(0));
}

TEST_CASE("the worked examples of intervals hold") {
  const auto wilson = ask(R"({"stat":"wilson","args":{"successes":8,"n":10}})");
  CHECK(number(wilson, "low") == doctest::Approx(0.4902).epsilon(1e-4));
  CHECK(number(wilson, "high") == doctest::Approx(0.9433).epsilon(1e-4));
  const auto t = ask(R"({"stat":"interval","args":{"values":[0.2,0.4,0.9]}})");
  CHECK(number(t, "mean") == doctest::Approx(0.5));
  CHECK(number(t, "low") == doctest::Approx(-0.3957).epsilon(1e-3));
  CHECK(number(t, "high") == doctest::Approx(1.3957).epsilon(1e-4));
  CHECK(t.at("method") == "t");
  const auto clusters = ask(
      R"({"stat":"cluster_t_interval","args":{"values":[1,1,0,1,0,0],"clusters":[1,1,2,2,3,3]}})");
  CHECK(number(clusters, "se") == doctest::Approx(0.2887).epsilon(1e-3));
  const auto binary = ask(R"({"stat":"interval","args":{"values":[1,1,1,1,1,1,1,1,0,0]}})");
  CHECK(binary.at("method") == "wilson");
  CHECK(number(binary, "low") == doctest::Approx(0.4902).epsilon(1e-4));
}

TEST_CASE("the worked examples of tests, power and agreement hold") {
  const auto test =
      ask(R"({"stat":"mcnemar","args":{"only_baseline_passes":8,"only_candidate_passes":2}})");
  CHECK(number(test, "p_worse_exact") == doctest::Approx(0.0547).epsilon(1e-3));
  CHECK(number(test, "p_worse_mid") == doctest::Approx(0.0327).epsilon(2e-3));
  CHECK(number(test, "p_two_sided_exact") == doctest::Approx(0.1094).epsilon(1e-3));
  CHECK(mcnemar(6, 2).p_worse_exact == doctest::Approx(0.1445).epsilon(1e-3));
  const auto mde = ask(R"({"stat":"minimum_detectable_effect",
      "args":{"sd":0.4,"n":400,"mean_cluster_size":4,"icc":0.3}})");
  CHECK(number(mde, "deff") == doctest::Approx(1.9));
  CHECK(number(mde, "mde") == doctest::Approx(0.0685).epsilon(1e-3));
  const Adjusted adjusted = benjamini_hochberg({0.01, 0.04, 0.03});
  CHECK(adjusted.q[0] == doctest::Approx(0.03));
  CHECK(adjusted.q[1] == doctest::Approx(0.04));
  CHECK(adjusted.q[2] == doctest::Approx(0.04));
  CHECK(*rogan_gladen(0.7, 0.9, 0.8) == doctest::Approx(0.7143).epsilon(1e-4));
  CHECK(!rogan_gladen(0.7, 0.5, 0.5));
  CHECK(*cohen_kappa({1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 0, 1, 0, 0, 0, 0}).kappa ==
        doctest::Approx(0.6));
  const auto percentiles = ask(R"({"stat":"percentiles","args":{"values":[40,10,30,20]}})");
  CHECK(number(percentiles, "p50") == doctest::Approx(25));
  CHECK(number(percentiles, "p95") == doctest::Approx(38.5));
  CHECK(number(percentiles, "p99") == doctest::Approx(39.7));
}

TEST_CASE("what cannot be given is null with a reason, never NaN") {
  CHECK(ask(R"({"stat":"interval","args":{"values":[]}})").at("reason") == "there is no value");
  CHECK(ask(R"({"stat":"interval","args":{"values":[0.5]}})").at("low").is_null());
  CHECK(ask(R"({"stat":"interval","args":{"values":[1,0],"clusters":["a","a"]}})").at("reason") ==
        "one cluster has no spread");
  CHECK(ask(R"({"stat":"auc","args":{"labels":[1,1],"scores":[1,2]}})").at("auc").is_null());
  CHECK(
      ask(R"({"stat":"cohen_kappa","args":{"human":[1,1],"judge":[1,1]}})").at("kappa").is_null());
  CHECK(ask(R"({"stat":"wilson","args":{"successes":0,"n":0}})").at("mean").is_null());
  CHECK(ask(R"({"stat":"interval","args":{"values":[0.2,null,0.4]}})").at("n") == 2);
}

TEST_CASE("a wrong request says which argument is wrong and what to write") {
  const auto message = [](std::string_view text) {
    const auto answer = answer_stat(*json::parse(text));
    return answer ? std::string("accepted") : answer.error().message();
  };
  CHECK(message(R"({"stat":"wilsen","args":{}})") ==
        "$.stat: there is no stat 'wilsen'; did you mean 'wilson'?");
  CHECK(message(R"({"stat":"wilson","args":{"successes":3,"n":2}})") ==
        "$.args: 3 successes of 2 cannot be");
  CHECK(message(R"({"stat":"wilson","args":{"succeses":3,"n":2}})") ==
        "$.args.succeses: unknown key; did you mean 'successes'?");
  CHECK(message(R"({"stat":"interval","args":{"values":[1,2],"clusters":["a"]}})") ==
        "$.args: clusters has 1 entries and values has 2; they go in pairs");
  CHECK(message(R"({"stat":"auc","args":{"labels":[2],"scores":[1]}})") ==
        "$.args: label 2 is neither 0 nor 1");
  CHECK(message("[]").starts_with("$: expected an object"));
}

namespace {

/// `groups` clusters of 1 to 9 items whose values share what their cluster adds; true mean .25.
Sample skewed_clusters(detail::Draws& draws, int groups) {
  Sample sample;
  const auto skewed = [&] { return std::pow(draws.unit(), 3); };
  for (int g = 0; g < groups; ++g) {
    const double shared = skewed();
    const std::uint32_t items = 1 + draws.below(9);
    for (std::uint32_t i = 0; i < items; ++i) {
      sample.values.push_back(0.5 * shared + 0.5 * skewed());
      sample.clusters.push_back(static_cast<std::uint32_t>(g));
    }
  }
  return sample;
}

bool covers(const std::optional<std::pair<double, double>>& interval, double truth) {
  return interval && interval->first <= truth && truth <= interval->second;
}
bool covers(const Interval& interval, double truth) {
  return interval.low && *interval.low <= truth && truth <= *interval.high;
}

}  // namespace

TEST_CASE("the studentized bootstrap covers where the percentile bootstrap does not") {
  // Skewed values in 15 clusters. 600 runs: the error of a rate of .95 is .009.
  constexpr int runs = 600;
  int studentized = 0, by_percentile = 0;
  for (int run = 0; run < runs; ++run) {
    detail::Draws draws(11, static_cast<std::uint64_t>(run));
    const Sample sample = skewed_clusters(draws, 15);
    const Resampling how{.confidence = 0.95, .seed = 5, .resamples = 500};
    studentized += covers(cluster_bootstrap(sample, how), 0.25) ? 1 : 0;
    const auto mean = [&](std::span<const std::uint32_t> items) -> std::optional<double> {
      double sum = 0;
      for (const std::uint32_t item : items) sum += sample.values[item];
      return sum / static_cast<double>(items.size());
    };
    by_percentile +=
        covers(bootstrap_interval(sample.values.size(), sample.clusters, how, mean), 0.25) ? 1 : 0;
  }
  INFO("studentized ", studentized, ", percentile ", by_percentile, " of ", runs);
  CHECK(studentized >= 0.92 * runs);
  CHECK(studentized <= 0.985 * runs);
  CHECK(by_percentile < studentized);
}

TEST_CASE("rates in clusters are covered, also near 1") {
  constexpr int runs = 400;
  for (const double rate : {0.6, 0.95}) {
    int covered = 0;
    for (int run = 0; run < runs; ++run) {
      detail::Draws draws(23, static_cast<std::uint64_t>(run));
      Sample sample;
      for (std::uint32_t g = 0; g < 20; ++g) {
        // Half of the items of a cluster say what the cluster says.
        const bool shared = draws.unit() < rate;
        for (int i = 0; i < 5; ++i) {
          const bool own = draws.unit() < rate;
          sample.values.push_back((draws.unit() < 0.5 ? shared : own) ? 1 : 0);
          sample.clusters.push_back(g);
        }
      }
      covered += covers(interval_of(sample, {.resamples = 500}), rate) ? 1 : 0;
    }
    INFO(rate, ": ", covered, " of ", runs);
    CHECK(covered >= 0.91 * runs);
  }
}

TEST_CASE("an interval of values that never vary is honest about it") {
  Sample all_pass;
  for (std::uint32_t i = 0; i < 30; ++i) {
    all_pass.values.push_back(1);
    all_pass.clusters.push_back(i / 3);
  }
  const Interval interval = interval_of(all_pass);
  CHECK(interval.method == "wilson_design_effect");
  CHECK(*interval.low == doctest::Approx(*wilson(10, 10).low));
  CHECK(interval.n == 30);
  CHECK(interval.clusters == 10);
}

TEST_CASE("the same seed gives the same bits, another one others") {
  detail::Draws draws(3, 1);
  const Sample sample = skewed_clusters(draws, 12);
  const Interval first = interval_of(sample), second = interval_of(sample);
  CHECK(*first.low == *second.low);
  CHECK(*first.high == *second.high);
  CHECK(*first.low != *interval_of(sample, {.seed = 2}).low);
}

TEST_CASE("sign flips are the exact McNemar test for pairs of 0 and 1, and zeros tell nothing") {
  std::vector<double> differences(50, 0.0);
  for (std::size_t i = 0; i < 6; ++i) differences[i] = -1;
  for (std::size_t i = 6; i < 8; ++i) differences[i] = 1;
  const SignFlip flip = sign_flips({.values = differences, .clusters = {}});
  CHECK(flip.exact);
  CHECK(flip.p == doctest::Approx(mcnemar(6, 2).p_worse_exact));
  CHECK(sign_flips({.values = {0, 0, 0}, .clusters = {}}).p == 1);
}

TEST_CASE("drawn sign flips agree with the exact ones, also of clusters") {
  detail::Draws draws(5, 0);
  Sample sample;
  for (std::uint32_t i = 0; i < 60; ++i) {
    sample.values.push_back(draws.unit() - 0.56);
    sample.clusters.push_back(i / 3);
  }
  const double exact = sign_flips(sample, {.exact = true}).p;
  const SignFlip drawn = sign_flips(sample);
  CHECK(!drawn.exact);
  CHECK(drawn.p == doctest::Approx(exact).epsilon(0.15));
}

TEST_CASE("the power of clustered values finds how alike a cluster is") {
  Sample same;
  for (std::uint32_t i = 0; i < 40; ++i) {
    same.values.push_back(i / 4 % 2);
    same.clusters.push_back(i / 4);
  }
  const Power power = power_of(same);
  CHECK(power.icc == doctest::Approx(1));
  CHECK(power.mean_cluster_size == doctest::Approx(4));
  CHECK(minimum_detectable_effect(power).deff == doctest::Approx(4));
  CHECK(power_of({.values = {1}, .clusters = {}}).sd == 0);
}

TEST_CASE("percentiles have intervals that hold the truth") {
  constexpr int runs = 200;
  int covered = 0;
  for (int run = 0; run < runs; ++run) {
    detail::Draws draws(31, static_cast<std::uint64_t>(run));
    Sample sample;
    for (int i = 0; i < 200; ++i) sample.values.push_back(-std::log(1 - draws.unit()));
    covered += covers(percentile_intervals(sample, {0.5}, {.resamples = 300})[0], std::log(2.0));
  }
  CHECK(covered >= 0.90 * runs);
}

}  // namespace slipway::eval
