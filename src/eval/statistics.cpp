// Of statistics.hpp: tests, power and agreement.
#include "eval/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/detail/cluster_sums.hpp"
#include "eval/detail/distributions.hpp"
#include "eval/detail/draws.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t exact_clusters = 12, exact_clusters_max = 24;

/// How often a mean as low, and as high, was seen.
struct Counts {
  double low = 0, high = 0, total = 0;
};

/// All sums of signed values.
std::vector<double> signed_sums(std::span<const double> values) {
  std::vector<double> sums{0};
  for (const double value : values) {
    const std::size_t before = sums.size();
    sums.resize(2 * before);
    for (std::size_t i = 0; i < before; ++i) {
      sums[before + i] = sums[i] - value;
      sums[i] += value;
    }
  }
  return sums;
}

/// Every pattern: each sum of one half with all of the other half, which is sorted.
Counts count_all(std::span<const double> values, double observed, double tolerance) {
  const std::size_t half = values.size() / 2;
  const std::vector<double> left = signed_sums(values.first(half));
  std::vector<double> right = signed_sums(values.subspan(half));
  std::sort(right.begin(), right.end());
  Counts counts;
  counts.total = static_cast<double>(left.size()) * static_cast<double>(right.size());
  for (const double sum : left) {
    const auto low = std::upper_bound(right.begin(), right.end(), observed - sum + tolerance);
    const auto high = std::lower_bound(right.begin(), right.end(), observed - sum - tolerance);
    counts.low += static_cast<double>(low - right.begin());
    counts.high += static_cast<double>(right.end() - high);
  }
  return counts;
}

/// Random patterns; four signs at a time are looked up.
Counts count_drawn(std::span<const double> values, double observed, double tolerance,
                   const SignFlipOptions& options) {
  constexpr std::size_t width = 4, patterns = 1u << width;
  std::vector<double> table;
  for (std::size_t at = 0; at < values.size(); at += width) {
    std::vector<double> sums = signed_sums(values.subspan(at, std::min(width, values.size() - at)));
    for (std::size_t i = 0; sums.size() < patterns; ++i) sums.push_back(sums[i]);
    table.insert(table.end(), sums.begin(), sums.end());
  }
  Counts counts;
  for (std::size_t i = 0; i < options.resamples; ++i) {
    detail::Draws draws(options.seed, i);
    double sum = 0;
    std::uint64_t bits = 0;
    for (std::size_t at = 0, group = 0; at < table.size(); at += patterns, ++group) {
      bits = group % 16 == 0 ? draws.bits() : bits >> width;
      sum += table[at + (bits & (patterns - 1))];
    }
    counts.low += sum <= observed + tolerance ? 1 : 0;
    counts.high += sum >= observed - tolerance ? 1 : 0;
  }
  // The observed one is one of the patterns.
  counts.low += 1;
  counts.high += 1;
  counts.total = static_cast<double>(options.resamples) + 1;
  return counts;
}

}  // namespace

SignFlip sign_flips(const Sample& differences, const SignFlipOptions& options) {
  SignFlip flip;
  const std::size_t n = differences.values.size();
  if (n == 0) return flip;
  std::vector<double> sums(cluster_count(differences));
  for (std::size_t i = 0; i < n; ++i)
    sums[differences.clusters.empty() ? i : differences.clusters[i]] += differences.values[i];
  const double observed = std::accumulate(sums.begin(), sums.end(), 0.0);
  flip.statistic = observed / static_cast<double>(n);
  std::erase(sums, 0.0);
  double scale = 0;
  for (const double sum : sums) scale += std::fabs(sum);
  const double tolerance = 1e-12 * scale;  // Equal sums in another order are equal.
  flip.exact =
      options.exact.value_or(sums.size() <= exact_clusters) && sums.size() <= exact_clusters_max;
  const Counts counts = flip.exact ? count_all(sums, observed, tolerance)
                                   : count_drawn(sums, observed, tolerance, options);
  switch (options.alternative) {
    case Alternative::less: flip.p = counts.low / counts.total; break;
    case Alternative::greater: flip.p = counts.high / counts.total; break;
    case Alternative::two_sided:
      flip.p = std::min(1.0, 2 * std::min(counts.low, counts.high) / counts.total);
      break;
  }
  return flip;
}

McNemar mcnemar(std::uint64_t only_baseline_passes, std::uint64_t only_candidate_passes) {
  const std::uint64_t n = only_baseline_passes + only_candidate_passes;
  const auto worse = detail::fair_coins(n, only_candidate_passes);
  const auto fewer = detail::fair_coins(n, std::min(only_baseline_passes, only_candidate_passes));
  return {.p_two_sided_exact = std::min(1.0, 2 * fewer.up_to),
          .p_worse_exact = worse.up_to,
          .p_worse_mid = worse.up_to - worse.at / 2};
}

namespace {

double quantiles_of(const Power& power) {
  SLIPWAY_ASSERT(power.sided == 1 || power.sided == 2);
  return normal_quantile(1 - power.alpha / power.sided) + normal_quantile(power.power);
}

double design_effect(const Power& power) { return 1 + (power.mean_cluster_size - 1) * power.icc; }

}  // namespace

Detectable minimum_detectable_effect(const Power& power) {
  SLIPWAY_ASSERT(power.n > 0);
  const double deff = design_effect(power);
  return {.mde = quantiles_of(power) * power.sd * std::sqrt(deff / power.n), .deff = deff};
}

double items_needed(const Power& power, double effect) {
  SLIPWAY_ASSERT(effect > 0);
  const double ratio = quantiles_of(power) * power.sd / effect;
  return std::ceil(ratio * ratio * design_effect(power));
}

Power power_of(const Sample& sample) {
  Power power;
  const std::size_t n = sample.values.size();
  power.n = std::max<double>(1, static_cast<double>(n));
  if (n < 2) return power;
  power.sd = detail::standard_deviation(sample.values);
  const detail::ClusterSums sums = detail::cluster_sums(sample);
  const std::size_t groups = sums.clusters();
  if (groups == n) return power;
  double between = 0, squares = 0, total = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    between += sums.residual[g] * sums.residual[g] / sums.size[g];
    squares += sums.size[g] * sums.size[g];
  }
  for (const double value : sample.values) total += (value - sums.mean) * (value - sums.mean);
  power.mean_cluster_size = squares / power.n;
  if (groups < 2) {
    power.icc = 1;
    return power;
  }
  const auto g = static_cast<double>(groups);
  const double mean_between = between / (g - 1);
  const double mean_within = std::max(0.0, total - between) / (power.n - g);
  const double usual_size = (power.n - squares / power.n) / (g - 1);
  const double all = mean_between + (usual_size - 1) * mean_within;
  power.icc = all > 0 ? std::clamp((mean_between - mean_within) / all, 0.0, 1.0) : 0;
  return power;
}

Adjusted benjamini_hochberg(const std::vector<double>& p, double alpha) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p[a] < p[b]; });
  Adjusted adjusted;
  adjusted.q.resize(p.size());
  adjusted.rejected.resize(p.size());
  double least = 1;
  for (std::size_t rank = p.size(); rank-- > 0;) {
    const std::size_t i = order[rank];
    least = std::min(least, p[i] * static_cast<double>(p.size()) / static_cast<double>(rank + 1));
    adjusted.q[i] = least;
    adjusted.rejected[i] = least <= alpha;
  }
  return adjusted;
}

Agreement cohen_kappa(const std::vector<int>& first, const std::vector<int>& second) {
  SLIPWAY_ASSERT(!first.empty() && first.size() == second.size());
  std::map<int, std::pair<double, double>> shares;
  const auto n = static_cast<double>(first.size());
  double equal = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    equal += first[i] == second[i] ? 1 : 0;
    shares[first[i]].first += 1;
    shares[second[i]].second += 1;
  }
  Agreement agreement;
  agreement.agreement = equal / n;
  for (const auto& [label, counts] : shares)
    agreement.chance += counts.first / n * (counts.second / n);
  if (shares.size() > 1)
    agreement.kappa = (agreement.agreement - agreement.chance) / (1 - agreement.chance);
  return agreement;
}

std::optional<double> auc(const std::vector<int>& labels, const std::vector<double>& scores) {
  SLIPWAY_ASSERT(labels.size() == scores.size());
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] < scores[b]; });
  double positives = 0, ranks = 0;
  for (std::size_t at = 0; at < order.size();) {
    std::size_t end = at;
    double tied = 0;
    while (end < order.size() && scores[order[end]] == scores[order[at]])
      tied += labels[order[end++]] != 0 ? 1 : 0;
    ranks += tied * (static_cast<double>(at + end) + 1) / 2;
    positives += tied;
    at = end;
  }
  const double negatives = static_cast<double>(labels.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

std::optional<double> rogan_gladen(double observed_pass_rate, double tpr, double tnr) {
  const double skill = tpr + tnr - 1;
  if (!(skill > 0)) return std::nullopt;
  return std::clamp((observed_pass_rate + tnr - 1) / skill, 0.0, 1.0);
}

std::optional<double> correlation(const std::vector<double>& x, const std::vector<double>& y) {
  SLIPWAY_ASSERT(x.size() == y.size());
  const double x_mean = detail::mean_of(x), y_mean = detail::mean_of(y);
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    yy += (y[i] - y_mean) * (y[i] - y_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  if (!(xx > 0) || !(yy > 0)) return std::nullopt;
  return std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
}

}  // namespace slipway::eval
