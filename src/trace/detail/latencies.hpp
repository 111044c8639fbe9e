// Latencies of which percentiles are asked: all of them while there is room, then counts in
// buckets.
//
// The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
// quantile sketch with relative-error guarantees", VLDB 2019): bucket i holds what is above g^(i-1)
// and at most g^i, with g = (1 + e) / (1 - e), and answers with the value that is no further than e
// from all of it, in relation to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "trace/run.hpp"

namespace slipway::trace::detail {

/// How many latencies are held by all that belong to one answer.
struct LatencyRoom {
  /// More than that, and those become buckets that would take more room.
  static constexpr std::size_t exact_max = 1'000'000;
  std::size_t held = 0;
  std::size_t most = exact_max;
};

class Latencies {
 public:
  /// What a percentile may be off where it is not exact.
  static constexpr double relative_error = 0.005;

  /// `latency` is 0 or more, in nanoseconds.
  void add(Nanoseconds latency, LatencyRoom& room);
  /// As if all of `other` had been added.
  void merge(const Latencies& other, LatencyRoom& room);
  /// Gives its room back.
  void clear(LatencyRoom& room);
  bool is_exact() const { return buckets_.empty(); }
  std::size_t count() const { return count_; }
  /// The one of nearest rank, in milliseconds; absent where there are none.
  std::optional<double> at(double share);

 private:
  /// So many are never worth a sketch.
  static constexpr std::size_t few = 1024;
  void make_room(LatencyRoom& room);

  std::size_t count_ = 0;
  std::vector<Nanoseconds> all_;          ///< While exact.
  std::map<int, std::uint64_t> buckets_;  ///< Else; 0 is in the bucket `zero`.
};

}  // namespace slipway::trace::detail
