#include "trace/detail/latencies.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

namespace slipway::trace::detail {

namespace {

constexpr double nanoseconds_per_millisecond = 1e6;

double log_of_base() {
  constexpr double e = Latencies::relative_error;
  static const double log_base = std::log((1 + e) / (1 - e));
  return log_base;
}

/// Of one above 0.
int bucket_of(Nanoseconds latency) {
  return static_cast<int>(std::ceil(std::log(static_cast<double>(latency)) / log_of_base()));
}

double value_of(int bucket) {
  // Between both ends of the bucket, as far from the one as from the other in relation to them.
  return std::exp(log_of_base() * bucket) * (1 - Latencies::relative_error);
}

}  // namespace

std::uint64_t& Latencies::at_bucket(int bucket) {
  // Some room on the side that grows, so that it does not grow at each step.
  constexpr int room = 32;
  if (counts_.empty()) {
    first_ = bucket;
    counts_.assign(1, 0);
  } else if (bucket < first_) {
    const int begin = bucket - room;
    counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - begin), 0);
    first_ = begin;
  } else if (static_cast<std::size_t>(bucket - first_) >= counts_.size()) {
    counts_.resize(static_cast<std::size_t>(bucket - first_) + 1, 0);
  }
  return counts_[static_cast<std::size_t>(bucket - first_)];
}

void Latencies::count(Nanoseconds latency) {
  ++(latency > 0 ? at_bucket(bucket_of(latency)) : zeros_);
}

void Latencies::make_buckets(LatencyRoom& room) {
  if (!is_exact_) return;
  is_exact_ = false;
  room.held -= all_.size();
  for (const Nanoseconds latency : all_) count(latency);
  all_ = {};
}

void Latencies::add(Nanoseconds latency, LatencyRoom& room) {
  ++count_;
  if (!is_exact()) return count(latency);
  all_.push_back(latency);
  ++room.held;
  make_room(room);
}

void Latencies::make_room(LatencyRoom& room) {
  if (room.held > room.most && all_.size() > few) make_buckets(room);
}

void Latencies::merge(const Latencies& other, LatencyRoom& room) {
  if (other.is_exact()) {
    for (const Nanoseconds latency : other.all_) add(latency, room);
    return;
  }
  make_buckets(room);
  zeros_ += other.zeros_;
  for (std::size_t i = 0; i < other.counts_.size(); ++i)
    if (other.counts_[i] > 0) at_bucket(other.first_ + static_cast<int>(i)) += other.counts_[i];
  count_ += other.count_;
}

void Latencies::take_out(const Latencies& other) {
  if (is_exact() && other.is_exact()) {
    std::vector<Nanoseconds> gone = other.all_, left;
    std::sort(all_.begin(), all_.end());
    std::sort(gone.begin(), gone.end());
    std::set_difference(all_.begin(), all_.end(), gone.begin(), gone.end(),
                        std::back_inserter(left));
    all_ = std::move(left);
    count_ = all_.size();
    return;
  }
  LatencyRoom room{.held = all_.size()};
  make_buckets(room);
  const auto lower = [](std::uint64_t& count, std::uint64_t by) { count -= std::min(count, by); };
  for (const Nanoseconds latency : other.all_)
    lower(latency > 0 ? at_bucket(bucket_of(latency)) : zeros_, 1);
  lower(zeros_, other.zeros_);
  for (std::size_t i = 0; i < other.counts_.size(); ++i)
    if (other.counts_[i] > 0)
      lower(at_bucket(other.first_ + static_cast<int>(i)), other.counts_[i]);
  count_ -= std::min(count_, other.count_);
}

void Latencies::pack(Packer& out) const {
  out.count(is_exact_ ? 1 : 0);
  if (is_exact_) {
    std::vector<Nanoseconds> sorted = all_;
    std::sort(sorted.begin(), sorted.end());
    out.count(sorted.size());
    Nanoseconds last = 0;
    for (const Nanoseconds latency : sorted) out.number(latency - std::exchange(last, latency));
    return;
  }
  out.count(zeros_);
  out.number(first_);
  out.count(counts_.size());
  for (const std::uint64_t count : counts_) out.count(count);
}

Latencies Latencies::unpack(Unpacker& in) {
  Latencies made;
  made.is_exact_ = in.count() == 1;
  if (made.is_exact_) {
    Nanoseconds last = 0;
    for (std::uint64_t left = in.count(); left > 0 && in.is_sound(); --left)
      made.all_.push_back(last += in.number());
    made.count_ = made.all_.size();
    return made;
  }
  made.zeros_ = in.count();
  made.first_ = static_cast<int>(in.number());
  for (std::uint64_t left = in.count(); left > 0 && in.is_sound(); --left)
    made.counts_.push_back(in.count());
  made.count_ = std::accumulate(made.counts_.begin(), made.counts_.end(), made.zeros_);
  return made;
}

void Latencies::clear(LatencyRoom& room) {
  room.held -= all_.size();
  *this = Latencies();
}

void Latencies::shrink() {
  all_.shrink_to_fit();
  const auto is_used = [](std::uint64_t count) { return count > 0; };
  counts_.erase(std::find_if(counts_.rbegin(), counts_.rend(), is_used).base(), counts_.end());
  const auto begin = std::find_if(counts_.begin(), counts_.end(), is_used);
  first_ += static_cast<int>(begin - counts_.begin());
  counts_.erase(counts_.begin(), begin);
  counts_.shrink_to_fit();
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
  std::uint64_t before = zeros_;
  if (before > rank) return 0.0;
  std::size_t place = 0;
  for (; place + 1 < counts_.size(); ++place) {
    before += counts_[place];
    if (before > rank) break;
  }
  return value_of(first_ + static_cast<int>(place)) / nanoseconds_per_millisecond;
}

}  // namespace slipway::trace::detail
