#include "trace/detail/latencies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace slipway::trace::detail {

namespace {

constexpr int zero = std::numeric_limits<int>::min();
constexpr double nanoseconds_per_millisecond = 1e6;

double log_of_base() {
  constexpr double e = Latencies::relative_error;
  static const double log_base = std::log((1 + e) / (1 - e));
  return log_base;
}

int bucket_of(Nanoseconds latency) {
  if (latency <= 0) return zero;
  return static_cast<int>(std::ceil(std::log(static_cast<double>(latency)) / log_of_base()));
}

double value_of(int bucket) {
  if (bucket == zero) return 0;
  // Between both ends of the bucket, as far from the one as from the other in relation to them.
  return std::exp(log_of_base() * bucket) * (1 - Latencies::relative_error);
}

}  // namespace

void Latencies::add(Nanoseconds latency, LatencyRoom& room) {
  ++count_;
  if (!is_exact()) {
    ++buckets_[bucket_of(latency)];
    return;
  }
  all_.push_back(latency);
  ++room.held;
  make_room(room);
}

void Latencies::make_room(LatencyRoom& room) {
  if (room.held <= room.most || all_.size() <= few) return;
  room.held -= all_.size();
  for (const Nanoseconds latency : all_) ++buckets_[bucket_of(latency)];
  all_ = {};
}

void Latencies::merge(const Latencies& other, LatencyRoom& room) {
  if (other.is_exact()) {
    for (const Nanoseconds latency : other.all_) add(latency, room);
    return;
  }
  for (const Nanoseconds latency : all_) ++buckets_[bucket_of(latency)];
  room.held -= all_.size();
  all_ = {};
  for (const auto& [bucket, times] : other.buckets_) buckets_[bucket] += times;
  count_ += other.count_;
}

void Latencies::clear(LatencyRoom& room) {
  room.held -= all_.size();
  *this = Latencies();
}

std::optional<double> Latencies::at(double share) {
  if (count_ == 0) return {};
  const auto rank =
      std::min(static_cast<std::size_t>(share * static_cast<double>(count_)), count_ - 1);
  if (is_exact()) {
    const auto place = all_.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(all_.begin(), place, all_.end());
    return static_cast<double>(*place) / nanoseconds_per_millisecond;
  }
  std::uint64_t before = 0;
  for (const auto& [bucket, times] : buckets_) {
    before += times;
    if (before > rank) return value_of(bucket) / nanoseconds_per_millisecond;
  }
  return value_of(buckets_.rbegin()->first) / nanoseconds_per_millisecond;
}

}  // namespace slipway::trace::detail
