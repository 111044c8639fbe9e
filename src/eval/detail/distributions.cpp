#include "eval/detail/distributions.hpp"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "eval/statistics.hpp"

namespace slipway::eval {

namespace {

namespace policies = boost::math::policies;
// A bad argument is a bug of the caller, asserted below; nothing may throw. Double is enough:
// long double costs three times as much and the last bits are not shown anywhere.
using Policy = policies::policy<policies::domain_error<policies::errno_on_error>,
                                policies::overflow_error<policies::errno_on_error>,
                                policies::evaluation_error<policies::errno_on_error>,
                                policies::pole_error<policies::errno_on_error>,
                                policies::promote_double<false>,
                                policies::discrete_quantile<policies::integer_round_nearest>>;

}  // namespace

double normal_quantile(double p) {
  SLIPWAY_ASSERT(p > 0 && p < 1);
  return boost::math::quantile(boost::math::normal_distribution<double, Policy>(), p);
}

double t_quantile(double p, double freedom) {
  SLIPWAY_ASSERT(p > 0 && p < 1 && freedom > 0);
  return boost::math::quantile(boost::math::students_t_distribution<double, Policy>(freedom), p);
}

namespace detail {

BinomialTail fair_coins(std::uint64_t n, std::uint64_t k) {
  SLIPWAY_ASSERT(k <= n);
  const boost::math::binomial_distribution<double, Policy> coins(static_cast<double>(n), 0.5);
  const auto heads = static_cast<double>(k);
  return {boost::math::cdf(coins, heads), boost::math::pdf(coins, heads)};
}

}  // namespace detail

}  // namespace slipway::eval
