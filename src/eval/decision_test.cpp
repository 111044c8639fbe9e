#include "eval/decision.hpp"

#include <doctest/doctest.h>

#include "eval/golden_set.hpp"
#include "eval/reports.hpp"

namespace slipway::eval {

namespace {

/// `passed` of `n` items pass metric "m"; ids i000, i001, ...
EvalResult result_of(int n, int passed) {
  EvalResult result;
  result.suite = "s";
  result.dataset_version = "sha256:d";
  result.fingerprint = "sha256:f";
  MetricResult metric;
  metric.name = "m";
  metric.mean = metric.pass_rate = static_cast<double>(passed) / n;
  metric.n = metric.clusters = static_cast<std::size_t>(n);
  metric.low = 0;
  metric.high = 1;
  metric.method = "wilson";
  result.metrics.push_back(metric);
  for (int i = 0; i < n; ++i) {
    ItemScore score{.score = i < passed ? 1.0 : 0.0, .state = ItemScore::State::scored};
    score.passed = i < passed;
    result.items.push_back({.id = fmt::format("i{:03}", i), .cluster = {}, .scores = {score}});
  }
  return result;
}

Suite suite_with(std::string_view metric, std::string_view more = "") {
  const auto suite = parse_suite(
      fmt::format("name: s\ndataset: d\nmetrics:\n - {}\n{}", metric, more), "eval/s.yaml");
  REQUIRE_MESSAGE(suite, (suite ? "" : suite.error().message()));
  return *suite;
}

const Suite& plain_suite() {
  static const Suite suite = suite_with("{name: exact_match, as: m}");
  return suite;
}

std::size_t count(const Decision& decision, Finding::Kind kind) {
  std::size_t found = 0;
  for (const Finding& finding : decision.findings) found += finding.kind == kind ? 1 : 0;
  return found;
}

}  // namespace

TEST_CASE("bounds of a suite: thresholds, pass rates, every item") {
  const EvalResult result = result_of(10, 7);
  CHECK(decide(plain_suite(), result, {}).holds);
  CHECK(!decide(suite_with("{name: exact_match, as: m, threshold: 0.8}"), result, {}).holds);
  CHECK(decide(suite_with("{name: exact_match, as: m, threshold: 0.7}"), result, {}).holds);
  // With a pass rate the threshold is that of items.
  CHECK(decide(suite_with("{name: exact_match, as: m, threshold: 0.8, min_pass_rate: 0.7}"), result,
               {})
            .holds);
  CHECK(!decide(suite_with("{name: exact_match, as: m, min_pass_rate: 0.71}"), result, {}).holds);
  const Decision each =
      decide(suite_with("{name: exact_match, as: m}", "per_item: true"), result, {});
  CHECK(each.exit_code() == 1);
  CHECK(count(each, Finding::Kind::item) == 3);
  CHECK(!decide(plain_suite(), result, {.budget_spent = true}).holds);
}

TEST_CASE("a metric of which no item has a score does not hold, unless it is one of operation") {
  EvalResult result = result_of(10, 10);
  result.metrics.front().mean = result.metrics.front().pass_rate = std::nullopt;
  result.metrics.front().n = 0;
  result.metrics.front().skipped = 10;
  for (ItemResult& item : result.items) item.scores.front() = {};
  const Decision decision = decide(plain_suite(), result, {});
  CHECK(!decision.holds);
  CHECK(decision.findings.front().message.find("none of the 10 items has a score") == 0);
  CHECK(decide(suite_with("{name: latency, as: m}"), result, {}).holds);
}

TEST_CASE("a baseline of another suite is told") {
  EvalResult baseline = result_of(10, 10);
  baseline.suite = "other";
  const Decision decision = decide(plain_suite(), result_of(10, 10), {.baseline = &baseline});
  CHECK(decision.holds);
  CHECK(decision.findings.front().message ==
        "the baseline is one of the suite 'other', this is 's'");
}

TEST_CASE("the gate holds without a change and fails by a real one") {
  const EvalResult before = result_of(100, 90);
  CHECK(decide(plain_suite(), before, {.baseline = &before}).holds);
  const EvalResult worse = result_of(100, 70);
  const Decision decision = decide(plain_suite(), worse, {.baseline = &before});
  CHECK(!decision.holds);
  CHECK(count(decision, Finding::Kind::regressed) == 1);
  CHECK(decision.verdict_of("m")->comparison.difference == doctest::Approx(-0.2));
  const json::Object shown = gate_json(decision);
  CHECK(shown.at("decision") == "fail");
  CHECK(shown.at("metrics").at(0).at("verdict") == "regressed");
}

TEST_CASE("one critical item that fails now fails the gate, whatever the mean") {
  EvalResult before = result_of(200, 200), now = result_of(200, 199);
  CHECK(decide(plain_suite(), now, {.baseline = &before}).holds);
  now.items[199].severity = Severity::critical;
  const Decision decision = decide(plain_suite(), now, {.baseline = &before});
  CHECK(!decision.holds);
  REQUIRE(decision.gate->critical.size() == 1);
  CHECK(decision.gate->critical[0] == "i199");
}

TEST_CASE("missing items are named and fail beyond one in twenty") {
  const EvalResult before = result_of(100, 100);
  EvalResult few = result_of(97, 97);
  const Decision told = decide(plain_suite(), few, {.baseline = &before});
  CHECK(told.holds);
  REQUIRE(count(told, Finding::Kind::missing) == 1);
  CHECK(told.findings[0].message.find("i097, i098, i099") != std::string::npos);
  CHECK(!decide(plain_suite(), result_of(90, 90), {.baseline = &before}).holds);
}

TEST_CASE("a changed dataset, fingerprint or judge fails unless it is accepted") {
  const EvalResult before = result_of(50, 50);
  for (const int what : {0, 1, 2}) {
    EvalResult now = before;
    (what == 0 ? now.dataset_version : what == 1 ? now.fingerprint : now.judge) = "other";
    const Decision refused = decide(plain_suite(), now, {.baseline = &before});
    CHECK(!refused.holds);
    CHECK(count(refused, Finding::Kind::changed) == 1);
    const Decision accepted =
        decide(plain_suite(), now, {.baseline = &before, .accept_changes = true});
    CHECK(accepted.holds);
    CHECK(count(accepted, Finding::Kind::changed) == 1);
  }
}

TEST_CASE("annotations escape what GitHub reads, and say nothing where all holds") {
  EvalResult before = result_of(4, 4), now = result_of(4, 3);
  const std::string id = "a:b,c%\n::error ::x";
  before.items[3].id = now.items[3].id = id;
  now.items[3].severity = Severity::critical;
  const Suite suite = suite_with("{name: exact_match, as: m}", "inconclusive: pass");
  const Decision decision = decide(suite, now, {.baseline = &before});
  const ReportInput input{.suite = suite,
                          .result = now,
                          .decision = decision,
                          .suite_file = "eval/s.yaml",
                          .dataset_file = {}};
  const std::string text = github_annotations(input);
  CHECK(text ==
        "::error file=eval/s.yaml,line=1,title=critical item a%3Ab%2Cc%25%0A%3A%3Aerror "
        "%3A%3Ax::critical item passed in the baseline and fails now: m 1 -> 0\n");
  const Decision good = decide(suite, before, {.baseline = &before});
  CHECK(github_annotations({.suite = suite,
                            .result = before,
                            .decision = good,
                            .suite_file = {},
                            .dataset_file = {}})
            .empty());
}

TEST_CASE("JUnit counts what it has and fails only what the decision fails") {
  EvalResult now = result_of(5, 3);
  now.items[4].id = "<&\"'\x01>";
  const Decision decision = decide(plain_suite(), now, {});
  const auto junit = [&](const Suite& suite, const Decision& decided) {
    return junit_report(
        {.suite = suite, .result = now, .decision = decided, .suite_file = {}, .dataset_file = {}});
  };
  const std::string calm = junit(plain_suite(), decision);
  CHECK(calm.find("<testsuites name=\"s\" tests=\"6\" failures=\"0\"") != std::string::npos);
  CHECK(calm.find("<testsuite name=\"s.items\" tests=\"5\" failures=\"0\"") != std::string::npos);
  CHECK(calm.find("m: 0 (does not pass)") != std::string::npos);
  CHECK(calm.find("name=\"&lt;&amp;&quot;&#39;\xEF\xBF\xBD&gt;\"") != std::string::npos);
  const Suite strict = suite_with("{name: exact_match, as: m}", "per_item: true");
  const std::string failing = junit(strict, decide(strict, now, {}));
  CHECK(failing.find("<testsuite name=\"s.items\" tests=\"5\" failures=\"2\"") !=
        std::string::npos);
}

TEST_CASE("the page escapes everything and asks nobody for anything") {
  EvalResult before = result_of(3, 3), now = result_of(3, 2);
  now.items[2].id = before.items[2].id = "<script>alert(1)</script>";
  now.suite = "</title><script>x</script>";
  Details details;
  details.by_item = {"", "",
                     R"({"id":"x","input":"<img src=x onerror=y>","expected_output":"one two three",
"actual_output":"one 2 three","scores":{"m":{"score":0,"pass":false,"reason":"<b>"}}})"};
  const Decision decision = decide(plain_suite(), now, {.baseline = &before});
  const std::string page = html_report({.suite = plain_suite(),
                                        .result = now,
                                        .decision = decision,
                                        .baseline = &before,
                                        .details = &details,
                                        .suite_file = {},
                                        .dataset_file = {}});
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("<b>\"") == std::string::npos);
  CHECK(page.find("http://") == std::string::npos);
  CHECK(page.find("https://") == std::string::npos);
  CHECK(page.find("<tr data-metric=\"m\">") != std::string::npos);
  CHECK(page.find("one <del>two </del><ins>2 </ins>three") != std::string::npos);
  CHECK(page.find("data-failing=\"true\"") != std::string::npos);
}

}  // namespace slipway::eval
