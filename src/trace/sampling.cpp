#include "trace/sampling.hpp"

#include <cmath>

namespace slipway::trace {

namespace {

/// FNV-1a with its bits mixed: the same in every process.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ull;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdull;
  return hash ^ (hash >> 33);
}

}  // namespace

Result<void> SamplingConfig::validate() const {
  if (!(rate >= 0 && rate <= 1))
    return fail(Code::invalid_argument, "rate: {} is not in 0..1; 0.1 keeps one trace in ten",
                rate);
  constexpr double day_ms = 86'400'000;
  if (!(keep_slower_ms >= 0 && keep_slower_ms <= day_ms))
    return fail(Code::invalid_argument,
                "keep_slower_ms: {} is not in 0..{}; 0 keeps no trace for its time", keep_slower_ms,
                day_ms);
  return {};
}

double lot_of(std::string_view trace_id) {
  // Upper bits, as a number from 0 to 1.
  constexpr int mantissa = 53, bits = 64;
  return std::ldexp(static_cast<double>(hash_of(trace_id) >> (bits - mantissa)), -mantissa);
}

}  // namespace slipway::trace
