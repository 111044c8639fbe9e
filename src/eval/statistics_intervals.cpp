// Of statistics.hpp: means, shares and percentiles with their intervals.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/detail/cluster_sums.hpp"
#include "eval/detail/draws.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

using detail::ClusterSums;
using detail::Draws;

namespace {

double upper_tail(double confidence) {
  SLIPWAY_ASSERT(confidence > 0 && confidence < 1);
  return 0.5 + confidence / 2;
}

Interval without_bounds(const Sample& sample) {
  Interval interval;
  interval.n = sample.values.size();
  interval.clusters = cluster_count(sample);
  interval.mean = detail::mean_of(sample.values);
  return interval;
}

bool is_binary(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0 || v == 1; });
}

/// Of the sample's own error: resamples that miss the one cluster that varies have nearly none, and
/// would give bounds without meaning.
constexpr double error_floor = 0.25;

/// One studentized deviation, or nothing where the resample does not vary.
std::optional<double> studentized(const ClusterSums& sums, double error, Draws draws) {
  const auto groups = static_cast<std::uint32_t>(sums.clusters());
  double n = 0, residuals = 0, squares = 0, products = 0, sizes = 0;
  for (std::uint32_t i = 0; i < groups; ++i) {
    const std::uint32_t drawn = draws.below(groups);
    const double residual = sums.residual[drawn], size = sums.size[drawn];
    n += size;
    residuals += residual;
    squares += residual * residual;
    products += residual * size;
    sizes += size * size;
  }
  const double deviation = residuals / n;
  const double rest = squares - 2 * deviation * products + deviation * deviation * sizes;
  // What rounding leaves of clusters that are all the same.
  if (!(rest > 1e-12 * squares)) return std::nullopt;
  const double g = groups;
  return deviation / std::max(std::sqrt(g / (g - 1) * rest) / n, error_floor * error);
}

/// Wilson on as many items as independent ones would tell as much.
Interval wilson_by_design(const Sample& sample, const ClusterSums& sums, double confidence) {
  const auto n = static_cast<double>(sums.n);
  const auto groups = static_cast<double>(sums.clusters());
  const double variance = sums.mean * (1 - sums.mean) / n;
  const double error = sums.standard_error();
  const double deff_max = n / groups;
  const double deff =
      variance > 0 && error > 0 ? std::clamp(error * error / variance, 1.0, deff_max) : deff_max;
  Interval interval = wilson(sums.mean * n / deff, n / deff, confidence);
  interval.mean = sums.mean;
  interval.method = "wilson_design_effect";
  interval.n = sums.n;
  interval.clusters = cluster_count(sample);
  interval.standard_error = error;
  return interval;
}

}  // namespace

std::vector<std::uint32_t> number_clusters(const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::vector<std::uint32_t> numbers;
  numbers.reserve(names.size());
  std::uint32_t next = 0;
  for (const std::string& name : names) {
    if (name.empty()) {
      numbers.push_back(next++);
      continue;
    }
    const auto [place, is_new] = known.try_emplace(name, next);
    next += is_new ? 1 : 0;
    numbers.push_back(place->second);
  }
  return numbers;
}

std::size_t cluster_count(const Sample& sample) {
  if (sample.clusters.empty()) return sample.values.size();
  return std::size_t{1} + *std::max_element(sample.clusters.begin(), sample.clusters.end());
}

Interval wilson(double successes, double n, double confidence) {
  SLIPWAY_ASSERT(n > 0 && successes >= 0 && successes <= n * (1 + 1e-12));
  const double share = std::min(1.0, successes / n);
  const double z = normal_quantile(upper_tail(confidence));
  const double shrink = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / shrink;
  const double half = z / shrink * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  Interval interval;
  interval.mean = share;
  // At the ends the bound is the end; rounding would leave 1e-17.
  interval.low = share == 0 ? 0 : std::max(0.0, middle - half);
  interval.high = share == 1 ? 1 : std::min(1.0, middle + half);
  interval.method = "wilson";
  interval.n = interval.clusters = static_cast<std::size_t>(n);
  interval.standard_error = std::sqrt(share * (1 - share) / n);
  return interval;
}

Interval t_interval(const Sample& sample, double confidence) {
  return cluster_t_interval({.values = sample.values, .clusters = {}}, confidence);
}

Interval cluster_t_interval(const Sample& sample, double confidence) {
  Interval interval = without_bounds(sample);
  if (interval.clusters < 2) return interval;
  interval.method = interval.clusters == interval.n ? "t" : "cluster_t";
  interval.standard_error = detail::cluster_sums(sample).standard_error();
  const double half =
      interval.standard_error *
      t_quantile(upper_tail(confidence), static_cast<double>(interval.clusters - 1));
  interval.low = interval.mean - half;
  interval.high = interval.mean + half;
  return interval;
}

Interval cluster_bootstrap(const Sample& sample, const Resampling& how) {
  Interval interval = without_bounds(sample);
  if (interval.clusters < 2) return interval;
  const ClusterSums sums = detail::cluster_sums(sample);
  const double error = sums.standard_error();
  std::vector<double> deviations;
  deviations.reserve(how.resamples);
  for (std::size_t i = 0; i < how.resamples; ++i)
    if (const auto deviation = studentized(sums, error, Draws(how.seed, i)))
      deviations.push_back(*deviation);
  // Beyond one in a hundred they would move the quantiles.
  constexpr double lost_max = 0.01;
  const auto lost = static_cast<double>(how.resamples - deviations.size());
  if (deviations.empty() || lost > lost_max * static_cast<double>(how.resamples))
    return is_binary(sample.values) ? wilson_by_design(sample, sums, how.confidence)
                                    : cluster_t_interval(sample, how.confidence);
  interval.method = "studentized_cluster_bootstrap";
  interval.standard_error = error;
  const double upper = upper_tail(how.confidence);
  interval.low = interval.mean - detail::quantile_of(deviations, upper) * interval.standard_error;
  interval.high = interval.mean - percentile(deviations, 1 - upper) * interval.standard_error;
  return interval;
}

Interval interval_of(const Sample& sample, const Resampling& how) {
  Interval interval = without_bounds(sample);
  if (interval.n < 2) return interval;
  if (interval.clusters < interval.n) return cluster_bootstrap(sample, how);
  if (!is_binary(sample.values)) return t_interval(sample, how.confidence);
  const double successes = std::accumulate(sample.values.begin(), sample.values.end(), 0.0);
  return wilson(successes, static_cast<double>(interval.n), how.confidence);
}

double percentile(std::span<const double> sorted, double p) {
  SLIPWAY_ASSERT(!sorted.empty() && p >= 0 && p <= 1);
  const double place = static_cast<double>(sorted.size() - 1) * p;
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

namespace {

/// The items of each cluster, one after the other.
struct Members {
  std::vector<std::uint32_t> items, begins;
};

Members members_of(std::size_t n, const std::vector<std::uint32_t>& clusters, std::size_t groups) {
  Members members;
  members.begins.assign(groups + 1, 0);
  for (std::size_t i = 0; i < n; ++i) ++members.begins[(clusters.empty() ? i : clusters[i]) + 1];
  std::partial_sum(members.begins.begin(), members.begins.end(), members.begins.begin());
  std::vector<std::uint32_t> next(members.begins.begin(), members.begins.end() - 1);
  members.items.resize(n);
  for (std::size_t i = 0; i < n; ++i)
    members.items[next[clusters.empty() ? i : clusters[i]]++] = static_cast<std::uint32_t>(i);
  return members;
}

void draw_items(const Members& members, Draws draws, std::vector<std::uint32_t>& items) {
  items.clear();
  const auto groups = static_cast<std::uint32_t>(members.begins.size() - 1);
  for (std::uint32_t i = 0; i < groups; ++i) {
    const std::uint32_t drawn = draws.below(groups);
    items.insert(items.end(), members.items.begin() + members.begins[drawn],
                 members.items.begin() + members.begins[drawn + 1]);
  }
}

/// The value at a rank (with fraction) of drawn places in a sorted list.
double value_at(std::vector<std::uint32_t>& ranks, const std::vector<double>& sorted, double p) {
  const double place = static_cast<double>(ranks.size() - 1) * p;
  const auto below = static_cast<std::ptrdiff_t>(place);
  std::nth_element(ranks.begin(), ranks.begin() + below, ranks.end());
  const double low = sorted[ranks[static_cast<std::size_t>(below)]];
  if (below + 1 >= static_cast<std::ptrdiff_t>(ranks.size())) return low;
  const double high = sorted[*std::min_element(ranks.begin() + below + 1, ranks.end())];
  return low + (place - static_cast<double>(below)) * (high - low);
}

}  // namespace

std::optional<std::pair<double, double>> bootstrap_interval(
    std::size_t n, const std::vector<std::uint32_t>& clusters, const Resampling& how,
    const Statistic& statistic) {
  if (n < 2) return std::nullopt;
  SLIPWAY_ASSERT(clusters.empty() || clusters.size() == n);
  const std::size_t groups =
      clusters.empty() ? n : std::size_t{1} + *std::max_element(clusters.begin(), clusters.end());
  if (groups < 2) return std::nullopt;
  const Members members = members_of(n, clusters, groups);
  std::vector<double> values;
  std::vector<std::uint32_t> items;
  for (std::size_t i = 0; i < how.resamples; ++i) {
    draw_items(members, Draws(how.seed, i), items);
    if (const auto value = statistic(items)) values.push_back(*value);
  }
  if (values.empty() || values.size() * 10 < how.resamples * 9) return std::nullopt;
  const double upper = upper_tail(how.confidence);
  const double low = detail::quantile_of(values, 1 - upper);
  return std::pair(low, percentile(values, upper));
}

std::vector<Interval> percentile_intervals(const Sample& sample, const std::vector<double>& ps,
                                           const Resampling& how) {
  const std::size_t n = sample.values.size();
  SLIPWAY_ASSERT(n > 0);
  std::vector<std::uint32_t> order(n), rank(n);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return sample.values[a] != sample.values[b] ? sample.values[a] < sample.values[b] : a < b;
  });
  std::vector<double> sorted(n);
  for (std::size_t i = 0; i < n; ++i) {
    sorted[i] = sample.values[order[i]];
    rank[order[i]] = static_cast<std::uint32_t>(i);
  }
  std::vector<Interval> intervals(ps.size(), without_bounds(sample));
  for (std::size_t k = 0; k < ps.size(); ++k) intervals[k].mean = percentile(sorted, ps[k]);
  const std::size_t groups = cluster_count(sample);
  if (groups < 2) return intervals;
  const Members members = members_of(n, sample.clusters, groups);
  std::vector<std::vector<double>> drawn(ps.size());
  std::vector<std::uint32_t> items;
  // Of very many values 200 resamples tell the bounds as well as 2,000 of few.
  constexpr std::size_t draws_max = 20'000'000, resamples_min = 200;
  const std::size_t resamples = std::min(how.resamples, std::max(resamples_min, draws_max / n));
  for (std::size_t i = 0; i < resamples; ++i) {
    draw_items(members, Draws(how.seed, i), items);
    for (std::uint32_t& item : items) item = rank[item];
    for (std::size_t k = 0; k < ps.size(); ++k) drawn[k].push_back(value_at(items, sorted, ps[k]));
  }
  const double upper = upper_tail(how.confidence);
  for (std::size_t k = 0; k < ps.size(); ++k) {
    intervals[k].method = "percentile_bootstrap";
    intervals[k].standard_error = detail::standard_deviation(drawn[k]);
    intervals[k].low = detail::quantile_of(drawn[k], 1 - upper);
    intervals[k].high = percentile(drawn[k], upper);
  }
  return intervals;
}

}  // namespace slipway::eval
