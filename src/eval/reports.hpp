// What a run and its decision look like to machines and to people. All of it is made of one
// `Decision`, so no two reports disagree.
#pragma once

#include <string>

#include "eval/decision.hpp"
#include "eval/runner.hpp"

namespace slipway::eval {

/// All but the first three may be null; they must outlive the call.
struct ReportInput {
  const Suite& suite;
  const EvalResult& result;
  const Decision& decision;
  const EvalResult* baseline = nullptr;
  const Details* details = nullptr;
  const GoldenSet* goldens = nullptr;  ///< For the lines of items.
  /// As shown: relative to the working folder. Empty: not known.
  std::string suite_file, dataset_file;
};

/// JUnit XML: suites NAME.items and NAME.gate; counts agree with the elements.
std::string junit_report(const ReportInput& input);
/// One "::error ..." a line per finding that fails.
std::string github_annotations(const ReportInput& input);
/// Markdown for $GITHUB_STEP_SUMMARY.
std::string step_summary(const ReportInput& input);
/// One HTML file that asks nobody for anything. Of more than `html_items_max` items those that fail
/// are shown first, and it says how many are left out.
std::string html_report(const ReportInput& input);
inline constexpr std::size_t html_items_max = 5000;

/// "0.8123", "1,234": four digits that count.
std::string shown_number(std::optional<double> value);
/// "[0.71, 0.88]", clipped to 0..1 where the metric is a share; empty: there is none.
std::string shown_interval(const MetricResult& metric);

}  // namespace slipway::eval
