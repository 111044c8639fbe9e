#include "eval/evaluation_info.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::eval {

namespace {

constexpr double confidence = 0.95;

void take(const Interval& interval, MetricSummary& summary) {
  summary.mean = interval.mean;
  summary.low = interval.low;
  summary.high = interval.high;
  summary.method = interval.method;
  summary.n = static_cast<std::int64_t>(interval.n);
  summary.clusters = static_cast<std::int64_t>(interval.clusters);
}

}  // namespace

bool EvaluationCase::is_failing() const {
  return error || std::any_of(scores.begin(), scores.end(), [](const auto& one) {
           return one.second.error || one.second.pass == false;
         });
}

bool is_lower_better(std::string_view metric) {
  return metric.starts_with("latency") || metric.starts_with("cost_") || metric == "cost";
}

MetricSummary summary_of(const std::string& metric, const std::vector<EvaluationCase>& cases) {
  MetricSummary summary{.name = metric, .lower_is_better = is_lower_better(metric)};
  Sample sample;
  std::vector<std::string> clusters;
  std::int64_t passed = 0, judged = 0;
  for (const EvaluationCase& one : cases) {
    const auto found = one.scores.find(metric);
    if (found == one.scores.end()) continue;
    const CaseScore& score = found->second;
    if (score.error)
      ++summary.errors;
    else if (!score.score)
      ++summary.skipped;
    if (score.error || !score.score) continue;
    sample.values.push_back(*score.score);
    clusters.push_back(one.cluster);
    if (score.pass) {
      ++judged;
      passed += *score.pass ? 1 : 0;
    }
  }
  if (sample.values.empty()) return summary;
  sample.clusters = number_clusters(clusters);
  take(interval_of(sample), summary);
  if (judged > 0) summary.pass_rate = static_cast<double>(passed) / static_cast<double>(judged);
  if (sample.values.size() > 1) summary.mde = minimum_detectable_effect(power_of(sample)).mde;
  return summary;
}

MetricSummary summary_of_sums(const std::string& metric, std::int64_t n, double sum,
                              double sum_of_squares) {
  MetricSummary summary{.name = metric, .n = n, .lower_is_better = is_lower_better(metric)};
  if (n < 1) return summary;
  const auto count = static_cast<double>(n);
  const double mean = sum / count;
  summary.mean = mean;
  summary.clusters = n;
  constexpr double rounding = 1e-9;
  if (n < 2) return summary;
  // Squares change nothing of 0 and 1 only.
  if (mean >= 0 && mean <= 1 && std::abs(sum - sum_of_squares) < rounding * count) {
    take(wilson(sum, count, confidence), summary);
    summary.n = summary.clusters = n;
    return summary;
  }
  const double variance = std::max(0.0, (sum_of_squares - sum * mean) / (count - 1));
  const double half = t_quantile(0.5 + confidence / 2, count - 1) * std::sqrt(variance / count);
  summary.low = mean - half;
  summary.high = mean + half;
  summary.method = "t";
  return summary;
}

}  // namespace slipway::eval
