#include "eval/classic.hpp"

#include <doctest/doctest.h>

namespace slipway::eval {

namespace {

ClassicReport reported(const ClassicRows& rows, const ClassicOptions& options = {}) {
  auto report = classic_report(Context(), rows, options);
  REQUIRE_MESSAGE(report.ok(), (report.ok() ? "" : report.error().message()));
  return *report;
}

const ClassicValue& value_of(const std::vector<ClassicValue>& values, std::string_view name) {
  for (const ClassicValue& value : values)
    if (value.name == name) return value;
  FAIL("no value " << name);
  return values.front();
}

std::string refusal(const ClassicRows& rows, const ClassicOptions& options = {}) {
  const auto report = classic_report(Context(), rows, options);
  REQUIRE(!report.ok());
  return report.error().message();
}

/// Quick: error bars are not what these look at.
ClassicOptions quick() {
  ClassicOptions options;
  options.resampling.resamples = 50;
  return options;
}

}  // namespace

TEST_CASE("what divides by zero is null with a reason") {
  const ClassicReport report = reported({.labels = {"0", "1.0", "1"},
                                         .predictions = {"0", "0", "0"},
                                         .scores = {},
                                         .groups = {"a", "a", "b"},
                                         .clusters = {}},
                                        quick());
  CHECK(report.positive == "1");
  CHECK(!value_of(report.metrics, "precision").value);
  CHECK(value_of(report.metrics, "precision").reason == "nothing was predicted positive");
  CHECK(*value_of(report.metrics, "recall").value == 0);
  CHECK(!value_of(report.fairness, "demographic_parity_ratio").value);
  CHECK(!value_of(report.fairness, "equalized_odds_difference").value);
  CHECK(report.groups.at(1).name == "b");
  CHECK(report.groups.at(1).n == 1);
  CHECK(report.confusion == std::vector<std::vector<std::size_t>>{{1, 0}, {2, 0}});
}

TEST_CASE("the task is guessed, and may be said") {
  CHECK(reported({.labels = {"a", "b"},
                  .predictions = {"a", "a"},
                  .scores = {},
                  .groups = {},
                  .clusters = {}},
                 quick())
            .task == ClassicTask::classification);
  const ClassicRows numbers{.labels = {"1.5", "2"},
                            .predictions = {"1", "2"},
                            .scores = {},
                            .groups = {},
                            .clusters = {}};
  const ClassicReport report = reported(numbers, quick());
  CHECK(report.task == ClassicTask::regression);
  CHECK(*value_of(report.metrics, "mean_absolute_error").value == 0.25);
  ClassicOptions options = quick();
  options.task = ClassicTask::classification;
  CHECK(*value_of(reported(numbers, options).metrics, "accuracy").value == 0.5);
}

TEST_CASE("intervals cover the value and widen with clusters") {
  ClassicRows rows;
  for (int i = 0; i < 200; ++i) {
    rows.labels.push_back(i % 2 == 0 ? "yes" : "no");
    rows.predictions.push_back((i / 20) % 5 == 0 ? "no" : rows.labels.back());
    rows.clusters.push_back(std::to_string(i / 20));
  }
  ClassicOptions options;
  options.resampling.resamples = 400;
  const ClassicReport clustered = reported(rows, options);
  rows.clusters.clear();
  const ClassicReport alone = reported(rows, options);
  const ClassicValue& wide = value_of(clustered.metrics, "accuracy");
  const ClassicValue& narrow = value_of(alone.metrics, "accuracy");
  CHECK(clustered.clusters == 10);
  CHECK(*narrow.low < *narrow.value);
  CHECK(*narrow.high > *narrow.value);
  CHECK(*wide.high - *wide.low > *narrow.high - *narrow.low);
}

TEST_CASE("wrong rows and columns are told by name") {
  CHECK(refusal({}) == "there are no rows");
  CHECK(refusal({.labels = {"a"}, .predictions = {}, .scores = {}, .groups = {}, .clusters = {}}) ==
        "predictions or scores are needed beside the labels");
  CHECK(refusal({.labels = {"0", "1"},
                 .predictions = {},
                 .scores = {0.5, 1.5},
                 .groups = {},
                 .clusters = {}}) ==
        "row 2: score 1.5 is no probability of the positive class; give 0..1");
  ClassicOptions options;
  options.positive = "maybe";
  CHECK(refusal({.labels = {"yes", "no"},
                 .predictions = {"no", "no"},
                 .scores = {},
                 .groups = {},
                 .clusters = {}},
                options) == "there is no class 'maybe'; there are: no, yes");
  const auto table = [](const ClassicColumns& columns) {
    return read_classic_rows("y,pred,s\n1,1,0.5\n0,1,x\n", columns).error().message();
  };
  CHECK(table({.label = "y", .prediction = "prd", .score = "", .group = "", .cluster = ""}) ==
        "there is no column 'prd'; did you mean 'pred'?");
  CHECK(table({.label = "y", .prediction = "pred", .score = "s", .group = "", .cluster = ""}) ==
        "line 3, column 5: score 'x' is not a number");
}

}  // namespace slipway::eval
