#include "eval/gate.hpp"

#include <algorithm>
#include <cmath>

#include "eval/detail/cluster_sums.hpp"

namespace slipway::eval {

namespace {

bool all_binary(const Pairs& pairs) {
  const auto binary = [](double v) { return v == 0 || v == 1; };
  return std::all_of(pairs.baseline.begin(), pairs.baseline.end(), binary) &&
         std::all_of(pairs.candidate.begin(), pairs.candidate.end(), binary);
}

McNemar disagreements(const Pairs& pairs) {
  std::uint64_t lost = 0, gained = 0;
  for (std::size_t i = 0; i < pairs.baseline.size(); ++i) {
    lost += pairs.baseline[i] > pairs.candidate[i] ? 1 : 0;
    gained += pairs.baseline[i] < pairs.candidate[i] ? 1 : 0;
  }
  return mcnemar(lost, gained);
}

Verdict verdict_of(const MetricVerdict& judged, double alpha) {
  const Comparison& comparison = judged.comparison;
  if (!comparison.low) return Verdict::inconclusive;
  const double worst = judged.lower_is_better ? -*comparison.high : *comparison.low;
  if (worst > -judged.margin) return Verdict::non_inferior;
  const double gain = judged.lower_is_better ? -comparison.difference : comparison.difference;
  return judged.q_worse <= alpha && gain < 0 ? Verdict::regressed : Verdict::inconclusive;
}

}  // namespace

Comparison compare(const Pairs& pairs, const ComparisonOptions& options) {
  SLIPWAY_ASSERT(pairs.baseline.size() == pairs.candidate.size());
  Comparison comparison;
  comparison.n = pairs.baseline.size();
  if (comparison.n == 0) return comparison;
  Sample differences;
  differences.clusters = pairs.clusters;
  differences.values.reserve(comparison.n);
  for (std::size_t i = 0; i < comparison.n; ++i)
    differences.values.push_back(pairs.candidate[i] - pairs.baseline[i]);
  const Interval bounds = cluster_t_interval(differences, 1 - 2 * options.alpha);
  comparison.clusters = bounds.clusters;
  comparison.baseline_mean = detail::mean_of(pairs.baseline);
  comparison.candidate_mean = detail::mean_of(pairs.candidate);
  comparison.difference = bounds.mean;
  comparison.low = bounds.low;
  comparison.high = bounds.high;
  const SignFlip flips =
      sign_flips(differences,
                 {.alternative = options.lower_is_better ? Alternative::greater : Alternative::less,
                  .seed = options.seed,
                  .resamples = options.resamples,
                  .exact = {}});
  comparison.p_worse = flips.p;
  comparison.exact = flips.exact;
  if (comparison.clusters == comparison.n && !options.lower_is_better && all_binary(pairs))
    comparison.paired_binary = disagreements(pairs);
  comparison.power = power_of(differences);
  comparison.power.alpha = options.alpha;
  if (comparison.n >= 2) comparison.mde = minimum_detectable_effect(comparison.power).mde;
  return comparison;
}

std::vector<MetricVerdict> judge_metrics(const std::vector<GateMetric>& metrics,
                                         const GateOptions& options) {
  std::vector<MetricVerdict> verdicts;
  std::vector<double> p;
  for (const GateMetric& metric : metrics) {
    SLIPWAY_ASSERT(metric.margin > 0);
    MetricVerdict judged;
    judged.name = metric.name;
    judged.margin = metric.margin;
    judged.lower_is_better = metric.lower_is_better;
    judged.comparison = compare(metric.pairs, {.alpha = options.alpha,
                                               .seed = options.seed,
                                               .resamples = options.resamples,
                                               .lower_is_better = metric.lower_is_better});
    p.push_back(judged.comparison.p_worse);
    verdicts.push_back(std::move(judged));
  }
  const Adjusted adjusted = benjamini_hochberg(p, options.alpha);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    MetricVerdict& judged = verdicts[i];
    judged.q_worse = adjusted.q[i];
    judged.verdict = verdict_of(judged, options.alpha);
    if (judged.verdict == Verdict::inconclusive && judged.comparison.n >= 2)
      judged.items_needed = items_needed(judged.comparison.power, judged.margin);
  }
  return verdicts;
}

}  // namespace slipway::eval
