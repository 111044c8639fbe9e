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
#include <optional>
#include <vector>

#include "trace/detail/packing.hpp"
#include "trace/run.hpp"

namespace slipway::trace::detail {

/// How many latencies are held by all that belong to one answer.
struct LatencyRoom {
  /// More than that, and those become buckets that would take more room.
  static constexpr std::size_t exact_max = 100'000;
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
  /// As if `other`, all of which was added before, had not been.
  void take_out(const Latencies& other);
  void pack(Packer& out) const;
  /// In no order.
  static Latencies unpack(Unpacker& in);
  /// Gives its room back.
  void clear(LatencyRoom& room);
  bool is_exact() const { return is_exact_; }
  std::size_t count() const { return count_; }
  /// Gives spare memory back.
  void shrink();
  /// What it holds beside itself.
  std::size_t bytes() const {
    return all_.capacity() * sizeof(Nanoseconds) + counts_.capacity() * sizeof(std::uint64_t);
  }
  /// The one of nearest rank, in milliseconds; absent where there are none.
  std::optional<double> at(double share);

 private:
  /// So many are never worth a sketch.
  static constexpr std::size_t few = 256;
  void make_room(LatencyRoom& room);
  void count(Nanoseconds latency);
  /// The count of a bucket, which may be a new one.
  std::uint64_t& at_bucket(int bucket);
  void make_buckets(LatencyRoom& room);

  bool is_exact_ = true;
  std::size_t count_ = 0;
  std::vector<Nanoseconds> all_;  ///< While exact.
  // Else:
  std::uint64_t zeros_ = 0;            ///< Of 0 itself, which is in no bucket.
  int first_ = 0;                      ///< The bucket of the first of `counts_`.
  std::vector<std::uint64_t> counts_;  ///< Of one bucket after the other.
};

}  // namespace slipway::trace::detail
