// Comparison of two runs over the same items, and the decision whether the second is good enough.
#pragma once

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

#include "eval/statistics.hpp"

namespace slipway::eval {

/// One metric over the items that both sides scored; equally many of each, in the same order.
struct Pairs {
  std::vector<double> baseline, candidate;
  std::vector<std::uint32_t> clusters;  ///< As in Sample.
};

struct ComparisonOptions {
  double alpha = 0.05;  ///< One-sided.
  std::uint64_t seed = 1;
  std::size_t resamples = 10000;  ///< Of sign flips where they are not exact.
  bool lower_is_better = false;
};
struct Comparison {
  std::size_t n = 0, clusters = 0;
  double baseline_mean = 0, candidate_mean = 0;
  double difference = 0;  ///< Candidate minus baseline, whichever way is better.
  /// One-sided bounds, each at alpha: difference -/+ t(G-1) se. Absent: fewer than two clusters.
  std::optional<double> low, high;
  double p_worse = 1;  ///< By sign flips of whole clusters.
  bool exact = true;
  std::optional<McNemar> paired_binary;  ///< Only for 0/1 values without clusters.
  std::optional<double> mde;             ///< Of the paired difference; absent: n < 2.
  Power power;                           ///< Of the paired differences, at alpha.
};
Comparison compare(const Pairs& pairs, const ComparisonOptions& options = {});

enum class Verdict { non_inferior, regressed, inconclusive };
BOOST_DESCRIBE_ENUM(Verdict, non_inferior, regressed, inconclusive)

/// A gate fails where more of the items than this are on one side only.
inline constexpr double missing_share_max = 0.05;

struct GateMetric {
  std::string name;
  double margin = 0.05;  ///< > 0, in the metric's unit.
  Pairs pairs;
  bool lower_is_better = false;
};
struct GateOptions {
  double alpha = 0.05;
  std::uint64_t seed = 1;
  std::size_t resamples = 10000;
};
struct MetricVerdict {
  std::string name;
  double margin = 0.05;
  bool lower_is_better = false;
  Comparison comparison;
  double q_worse = 1;  ///< p_worse after Benjamini-Hochberg over all metrics.
  Verdict verdict = Verdict::inconclusive;
  /// Of an inconclusive one: the items that would prove no loss, if there is none.
  std::optional<double> items_needed;
};
/// `non_inferior` if the bound on the worse side is within the margin; else `regressed` if
/// q_worse <= alpha and the difference is for the worse; else `inconclusive`.
/// With no change at most alpha of runs have a regressed metric; a drop of max(margin, MDE) is
/// found in at least 80 %, and a drop of the margin is non-inferior in at most alpha.
std::vector<MetricVerdict> judge_metrics(const std::vector<GateMetric>& metrics,
                                         const GateOptions& options = {});

}  // namespace slipway::eval
