// Error bars and tests: what a number of an evaluation is worth. Plain functions of plain numbers:
// no state, no threads, the same numbers in give the same bits out. Chance is seeded; each resample
// has its own stream, made of the seed and its number.
//
// Sources: Wilson 1927; clustered errors as E. Miller, "Adding Error Bars to Evals" (2411.00640);
// studentized bootstrap, Davison and Hinkley 1997, 5.2; sign flips, Winkler et al. 2014; mid-p
// McNemar, Fagerland et al. 2013; Benjamini and Hochberg 1995; Rogan and Gladen 1978.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace slipway::eval {

/// The z with P(Z <= z) = p; p in (0, 1). To 1e-12 or better, and so the next.
double normal_quantile(double p);
/// Student's t, `freedom` > 0.
double t_quantile(double p, double freedom);

/// Values and the clusters that they come from. No value is NaN.
struct Sample {
  std::vector<double> values;
  /// Beside each value the number of its cluster, 0, 1, ... without gaps; empty: each its own.
  std::vector<std::uint32_t> clusters;
};
/// Numbers names in the order in which they first appear. The empty name is nobody's: each item
/// that has it is a cluster of its own.
std::vector<std::uint32_t> number_clusters(const std::vector<std::string>& names);
/// How many clusters there are.
std::size_t cluster_count(const Sample& sample);

struct Interval {
  double mean = 0;
  /// Not clipped to a metric's range. Absent: there is none (one value, one cluster).
  std::optional<double> low, high;
  /// "wilson", "t", "studentized_cluster_bootstrap"; where resamples have no spread to divide by
  /// (few clusters, a rate near 0 or 1): "wilson_design_effect", "cluster_t";
  /// "percentile_bootstrap"; "none".
  std::string method = "none";
  std::size_t n = 0, clusters = 0;
  double standard_error = 0;
};

struct Resampling {
  double confidence = 0.95;  ///< In (0, 1).
  std::uint64_t seed = 1;
  std::size_t resamples = 2000;  ///< 1..1,000,000
};

/// Of a share; successes <= n. Fractions are allowed (effective sizes).
Interval wilson(double successes, double n, double confidence = 0.95);
/// mean -/+ t(n-1) sd / sqrt(n).
Interval t_interval(const Sample& sample, double confidence = 0.95);
/// mean -/+ t(G-1) se, se = sqrt(G/(G-1) sum_g (sum_i (x_i - m))^2) / n.
Interval cluster_t_interval(const Sample& sample, double confidence = 0.95);
/// Resamples whole clusters; t* = (m* - m) / se*; [m - q(high) se, m - q(low) se].
Interval cluster_bootstrap(const Sample& sample, const Resampling& how);
/// What a report shows: with several items in a cluster `cluster_bootstrap`, else for values that
/// are all 0 or 1 `wilson`, else `t_interval`.
Interval interval_of(const Sample& sample, const Resampling& how = {});

/// Of sorted values, linear between them at (n-1)p; p in [0, 1], not empty.
double percentile(std::span<const double> sorted, double p);
/// Each percentile (as `mean`) of unsorted values with a bootstrap interval over clusters.
std::vector<Interval> percentile_intervals(const Sample& sample, const std::vector<double>& ps,
                                           const Resampling& how = {});

/// The interval of any statistic of n items by resampling them, or whole clusters of them
/// (`clusters` as in Sample). `statistic` gets the numbers of the drawn items; it may say that
/// there is no value, and such resamples do not count. Nothing if they are more than one in ten.
using Statistic = std::function<std::optional<double>(std::span<const std::uint32_t>)>;
std::optional<std::pair<double, double>> bootstrap_interval(
    std::size_t n, const std::vector<std::uint32_t>& clusters, const Resampling& how,
    const Statistic& statistic);

enum class Alternative { less, greater, two_sided };

struct SignFlipOptions {
  Alternative alternative = Alternative::less;
  std::uint64_t seed = 1;
  std::size_t resamples = 10000;
  /// Absent: exact where at most 2^12 patterns tell anything (zeros tell nothing). True: at most
  /// 2^24.
  std::optional<bool> exact;
};
struct SignFlip {
  double statistic = 0;  ///< Mean of the values.
  double p = 1;
  bool exact = true;
};
/// How often flipping the signs of whole clusters gives a mean as extreme as this. `exact` beyond
/// 24 clusters that are not 0 is as false.
SignFlip sign_flips(const Sample& differences, const SignFlipOptions& options = {});

struct McNemar {
  double p_two_sided_exact = 1, p_worse_exact = 1, p_worse_mid = 1;
};
/// Of pairs that disagree: b only the baseline passes, c only the candidate.
McNemar mcnemar(std::uint64_t only_baseline_passes, std::uint64_t only_candidate_passes);

struct Power {
  double sd = 0, n = 1;              ///< n > 0
  double mean_cluster_size = 1;      ///< >= 1
  double icc = 0;                    ///< Intraclass correlation, 0..1.
  double alpha = 0.05, power = 0.8;  ///< In (0, 1).
  int sided = 1;                     ///< 1 or 2
};
struct Detectable {
  double mde = 0, deff = 1;
};
/// (z(1 - alpha/sided) + z(power)) sd sqrt(deff / n), deff = 1 + (m - 1) icc.
Detectable minimum_detectable_effect(const Power& power);
/// How many items a true difference of `effect` > 0 needs, all else as it is.
double items_needed(const Power& power, double effect);
/// sd, n, cluster size (weighted by items: what deff is of unequal clusters) and the ICC by
/// analysis of variance, not below 0. Below two values: sd 0.
Power power_of(const Sample& sample);

struct Adjusted {
  std::vector<double> q;  ///< In the order of the p-values.
  std::vector<bool> rejected;
};
Adjusted benjamini_hochberg(const std::vector<double>& p, double alpha = 0.05);

struct Agreement {
  std::optional<double> kappa;  ///< Absent: both always say the same one word.
  double agreement = 0, chance = 0;
};
/// Cohen's, unweighted; equally many of each, at least one. Labels are any numbers.
Agreement cohen_kappa(const std::vector<int>& first, const std::vector<int>& second);

/// P(score of a 1 > score of a 0), ties count half; absent: one class only. Labels are 0 or 1.
std::optional<double> auc(const std::vector<int>& labels, const std::vector<double>& scores);

/// (p + TNR - 1) / (TPR + TNR - 1), within 0..1. Absent where TPR + TNR <= 1: such a judge says
/// nothing.
std::optional<double> rogan_gladen(double observed_pass_rate, double tpr, double tnr);

/// Pearson's; absent where one of the two does not vary.
std::optional<double> correlation(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace slipway::eval
