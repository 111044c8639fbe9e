// A sample by cluster: all that means, their errors and resamples need.
#pragma once

#include <vector>

#include "eval/statistics.hpp"

namespace slipway::eval::detail {

struct ClusterSums {
  double mean = 0;
  std::size_t n = 0;
  std::vector<double> residual;  ///< By cluster: sum of x - mean.
  std::vector<double> size;      ///< By cluster: how many items.
  std::size_t clusters() const { return residual.size(); }
  /// sqrt(G/(G-1) sum_g residual^2) / n; 0 with one cluster.
  double standard_error() const;
};
/// The sample has values.
ClusterSums cluster_sums(const Sample& sample);

double mean_of(const std::vector<double>& values);
/// Of a sample, n - 1; 0 below two values.
double standard_deviation(const std::vector<double>& values);
/// Sorts and gives the share `p` of it, linear between.
double quantile_of(std::vector<double>& values, double p);

}  // namespace slipway::eval::detail
