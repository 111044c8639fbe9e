#include "eval/detail/cluster_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace slipway::eval::detail {

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double ClusterSums::standard_error() const {
  const auto groups = static_cast<double>(clusters());
  if (groups < 2) return 0;
  double squares = 0;
  for (const double sum : residual) squares += sum * sum;
  return std::sqrt(groups / (groups - 1) * squares) / static_cast<double>(n);
}

ClusterSums cluster_sums(const Sample& sample) {
  SLIPWAY_ASSERT(!sample.values.empty());
  SLIPWAY_ASSERT(sample.clusters.empty() || sample.clusters.size() == sample.values.size());
  ClusterSums sums;
  sums.n = sample.values.size();
  sums.mean = mean_of(sample.values);
  const std::size_t groups = cluster_count(sample);
  sums.residual.resize(groups);
  sums.size.resize(groups);
  for (std::size_t i = 0; i < sums.n; ++i) {
    const std::size_t group = sample.clusters.empty() ? i : sample.clusters[i];
    sums.residual[group] += sample.values[i] - sums.mean;
    sums.size[group] += 1;
  }
  return sums;
}

double quantile_of(std::vector<double>& values, double p) {
  std::sort(values.begin(), values.end());
  return percentile(values, p);
}

}  // namespace slipway::eval::detail
