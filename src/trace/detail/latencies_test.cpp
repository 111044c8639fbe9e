#include "trace/detail/latencies.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace slipway::trace::detail {

namespace {

/// As latencies are: most of some hundred milliseconds, some of minutes.
std::vector<Nanoseconds> sample(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> lengths(std::log(3e8), 1.5);
  std::vector<Nanoseconds> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(static_cast<Nanoseconds>(lengths(random)));
  return all;
}

double exact(std::vector<Nanoseconds> all, double share) {
  std::sort(all.begin(), all.end());
  const auto rank =
      std::min(static_cast<std::size_t>(share * static_cast<double>(all.size())), all.size() - 1);
  return static_cast<double>(all[rank]) / 1e6;
}

constexpr double shares[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};

}  // namespace

TEST_CASE("percentiles are exact while there is room") {
  LatencyRoom room;
  Latencies latencies;
  CHECK_FALSE(latencies.at(0.5).has_value());
  const auto all = sample(20'000, 1);
  for (const Nanoseconds one : all) latencies.add(one, room);
  CHECK(latencies.is_exact());
  CHECK(room.held == 20'000);
  for (const double share : shares) CHECK(latencies.at(share) == exact(all, share));
}

TEST_CASE("percentiles of more than there is room for are off by what is said at most") {
  LatencyRoom room{.most = 5'000};
  Latencies latencies;
  auto all = sample(60'000, 2);
  all[7] = 0;
  all[8] = 1;
  all[9] = std::numeric_limits<Nanoseconds>::max();
  for (const Nanoseconds one : all) latencies.add(one, room);
  CHECK_FALSE(latencies.is_exact());
  CHECK(room.held == 0);
  for (const double share : shares) {
    const double wanted = exact(all, share);
    CAPTURE(share);
    CHECK(std::fabs(*latencies.at(share) - wanted) <= wanted * (Latencies::relative_error + 1e-9));
  }
}

TEST_CASE("what is merged is as if it had been one") {
  for (const std::size_t most : {std::size_t(1'000'000), std::size_t(3'000)}) {
    LatencyRoom room{.most = most}, one_room{.most = most};
    Latencies parts[3], whole, merged;
    std::size_t number = 0;
    for (const std::size_t count : {std::size_t(10'000), std::size_t(100), std::size_t(4'000)}) {
      for (const Nanoseconds one : sample(count, static_cast<unsigned>(number))) {
        parts[number].add(one, room);
        whole.add(one, one_room);
      }
      ++number;
    }
    LatencyRoom third{.most = most};
    for (const Latencies& part : parts) merged.merge(part, third);
    CHECK(merged.count() == whole.count());
    CHECK(merged.is_exact() == (most > 100'000));
    for (const double share : shares) CHECK(merged.at(share) == whole.at(share));
  }
}

TEST_CASE("what is taken out is as if it had not been, also after it was packed") {
  const auto packed_and_back = [](const Latencies& latencies) {
    std::string packed;
    Packer out(packed);
    latencies.pack(out);
    Unpacker in(packed);
    Latencies back = Latencies::unpack(in);
    CHECK(in.is_sound());
    CHECK(in.is_at_end());
    CHECK(back.count() == latencies.count());
    CHECK(back.is_exact() == latencies.is_exact());
    return back;
  };
  // Both exact; buckets and a few; both in buckets.
  const std::size_t counts[][2] = {{200, 50}, {20'000, 100}, {20'000, 3'000}};
  for (const auto& [left_count, gone_count] : counts) {
    LatencyRoom room{.most = 0}, gone_room{.most = 0}, left_room{.most = 0};
    Latencies whole, gone, left;
    auto stays = sample(left_count, 6), goes = sample(gone_count, 7);
    stays[0] = goes[0] = 0;
    for (const Nanoseconds one : stays) whole.add(one, room), left.add(one, left_room);
    for (const Nanoseconds one : goes) whole.add(one, room), gone.add(one, gone_room);
    whole = packed_and_back(whole);
    whole.take_out(packed_and_back(gone));
    CHECK(whole.count() == left.count());
    for (const double share : shares) CHECK(whole.at(share) == left.at(share));
  }
}

TEST_CASE("groups of a few stay exact beside large ones") {
  LatencyRoom room{.most = 2'000};
  Latencies large, small;
  for (const Nanoseconds one : sample(10'000, 4)) large.add(one, room);
  const auto few = sample(200, 5);
  for (const Nanoseconds one : few) small.add(one, room);
  CHECK_FALSE(large.is_exact());
  CHECK(small.is_exact());
  CHECK(small.at(0.95) == exact(few, 0.95));
}

}  // namespace slipway::trace::detail
