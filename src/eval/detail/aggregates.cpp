#include "eval/detail/aggregates.hpp"

#include "core/pool.hpp"
#include "eval/gate.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval::detail {

namespace {

struct Scored {
  Sample sample;
  std::vector<std::string> names;
  std::size_t passed = 0, failed = 0;
};

Scored scored_of(const EvalResult& result, std::size_t metric, MetricResult& counts) {
  Scored scored;
  bool has_clusters = false;
  for (const ItemResult& item : result.items) {
    const ItemScore& score = item.scores[metric];
    counts.skipped += score.state == ItemScore::State::skipped ? 1 : 0;
    counts.errors += score.state == ItemScore::State::failed ? 1 : 0;
    if (!score.is_scored()) continue;
    scored.sample.values.push_back(score.score);
    scored.names.push_back(item.cluster);
    has_clusters |= !item.cluster.empty();
    scored.passed += score.passes() ? 1 : 0;
    scored.failed += score.fails() ? 1 : 0;
  }
  if (has_clusters) scored.sample.clusters = number_clusters(scored.names);
  return scored;
}

void add_percentiles(MetricResult& metric, const Sample& sample, const Resampling& how) {
  const std::vector<Interval> found = percentile_intervals(sample, {0.50, 0.95, 0.99}, how);
  const char* names[] = {"p50", "p95", "p99"};
  for (std::size_t i = 0; i < found.size(); ++i)
    metric.percentiles[names[i]] = {found[i].mean, found[i].low.value_or(found[i].mean),
                                    found[i].high.value_or(found[i].mean)};
}

MetricResult aggregated(const RunParts& parts, const EvalResult& result, std::size_t index) {
  const SuiteMetric& asked = parts.suite.metrics[index];
  const Metric& metric = *parts.metrics.front()[index];
  MetricResult found;
  found.name = asked.spec.label();
  found.mode = json::name(metric.mode());
  found.threshold = asked.spec.threshold;
  found.margin = asked.bounds.margin;
  found.lower_is_better = metric.lower_is_better();
  const Scored scored = scored_of(result, index, found);
  found.n = scored.sample.values.size();
  if (found.n == 0) return found;
  const Resampling how{.confidence = parts.suite.confidence,
                       .seed = parts.suite.seed,
                       .resamples = parts.suite.resamples};
  const bool quantity = is_quantity(asked.spec.name);
  const Interval interval =
      quantity ? cluster_bootstrap(scored.sample, how) : interval_of(scored.sample, how);
  found.mean = interval.mean;
  found.low = interval.low;
  found.high = interval.high;
  found.method = interval.method;
  found.clusters = interval.clusters;
  if (const std::size_t judged = scored.passed + scored.failed; judged > 0)
    found.pass_rate = static_cast<double>(scored.passed) / static_cast<double>(judged);
  Power power = power_of(scored.sample);
  power.alpha = parts.suite.alpha;
  if (found.n >= 2) found.mde = minimum_detectable_effect(power).mde;
  if (quantity) add_percentiles(found, scored.sample, how);
  return found;
}

}  // namespace

std::string cluster_of(const Suite& suite, const Golden& golden) {
  if (suite.cluster) return golden.metadata_text(*suite.cluster);
  const std::string document = golden.metadata_text("document");
  return document.empty() ? golden.metadata_text("conversation") : document;
}

void aggregate(const RunParts& parts, EvalResult& result) {
  const std::size_t count = parts.suite.metrics.size();
  result.metrics.assign(count, MetricResult());
  const auto done =
      parallel_for(Context(), count, core_count(), [&](std::size_t i) -> Result<void> {
        result.metrics[i] = aggregated(parts, result, i);
        return {};
      });
  SLIPWAY_ASSERT(done.ok());
}

std::vector<RobustnessResult> compare_perturbed(
    const RunParts& parts, const EvalResult& clean,
    const std::vector<std::vector<std::vector<ItemScore>>>& perturbed) {
  std::vector<RobustnessResult> all;
  for (std::size_t p = 0; p < perturbed.size(); ++p)
    for (std::size_t m = 0; m < clean.metrics.size(); ++m) {
      RobustnessResult found{.perturbation = parts.perturbations[p].name,
                             .metric = clean.metrics[m].name};
      Pairs pairs;
      Sample differences;
      std::vector<std::string> names;
      std::size_t unchanged = 0;
      for (std::size_t i = 0; i < clean.items.size(); ++i) {
        const ItemScore &before = clean.items[i].scores[m], &after = perturbed[p][i][m];
        if (!before.is_scored() || !after.is_scored()) continue;
        pairs.baseline.push_back(before.score);
        pairs.candidate.push_back(after.score);
        differences.values.push_back(after.score - before.score);
        names.push_back(clean.items[i].cluster);
        unchanged += before.passed == after.passed ? 1 : 0;
      }
      found.n = names.size();
      if (found.n > 0) {
        pairs.clusters = differences.clusters = number_clusters(names);
        const Comparison comparison =
            compare(pairs, {.alpha = parts.suite.alpha,
                            .seed = parts.suite.seed,
                            .lower_is_better = clean.metrics[m].lower_is_better});
        const Interval interval = cluster_t_interval(differences, parts.suite.confidence);
        found.difference = comparison.difference;
        found.low = interval.low;
        found.high = interval.high;
        found.p_worse = comparison.p_worse;
        found.invariance = static_cast<double>(unchanged) / static_cast<double>(found.n);
      }
      all.push_back(std::move(found));
    }
  return all;
}

}  // namespace slipway::eval::detail
