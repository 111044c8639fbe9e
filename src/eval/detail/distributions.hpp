// What only a library of special functions knows. Its headers are slow to compile: one file.
#pragma once

#include <cstdint>

namespace slipway::eval::detail {

struct BinomialTail {
  double up_to = 1;  ///< P(X <= k)
  double at = 1;     ///< P(X = k)
};
/// Of n fair coins.
BinomialTail fair_coins(std::uint64_t n, std::uint64_t k);

}  // namespace slipway::eval::detail
