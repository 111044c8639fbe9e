#include "core/turns.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <latch>
#include <thread>

namespace slipway {

namespace {

struct Place {
  int niceness = 0;
  std::uint64_t turn_ns = 0;
};

Place place_here() {
  std::array<unsigned char, 48> attributes{};  // `sched_attr` as Linux 3.14 had it.
  REQUIRE(::syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0) == 0);
  constexpr std::size_t turn_place = 24;
  Place place;
  std::memcpy(&place.turn_ns, attributes.data() + turn_place, sizeof place.turn_ns);
  place.niceness = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  return place;
}

bool kernel_knows_turns() {
  utsname name{};
  int major = 0, minor = 0;
  REQUIRE(::uname(&name) == 0);
  REQUIRE(std::sscanf(name.release, "%d.%d", &major, &minor) == 2);
  return major > 6 || (major == 6 && minor >= 12);
}

/// How often one of two threads that both work on one processor loses it to the other.
long interruptions(bool ask) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  std::atomic<long> count = 0;
  std::atomic<std::uint64_t> result = 0;
  std::latch both(2);
  const auto work = [&] {
    ::sched_setaffinity(0, sizeof one, &one);
    take_long_turns();
    both.arrive_and_wait();
    std::uint64_t number = 1;
    for (int step = 0; step < 4'000; ++step) {
      for (int i = 0; i < 10'000; ++i) number = number * 3 + 1;
      if (ask) end_turn_if_over();
    }
    result += number;  // Or it would not be computed.
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    count += usage.ru_nivcsw;
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  return count;
}

template <typename Step>
Place place_after(Step&& step) {
  Place place;
  std::thread([&] {
    step();
    place = place_here();
  }).join();
  return place;
}

}  // namespace

TEST_CASE("turns are short or long, of the thread that asks and of no other") {
  const Place before = place_here();
  const Place answering = place_after([] { take_short_turns(); });
  const Place working = place_after([] { take_long_turns(); });
  for (const Place& place : {answering, working}) CHECK(place.niceness == before.niceness);
  if (kernel_knows_turns()) {
    CHECK(answering.turn_ns == 100'000);
    CHECK(working.turn_ns == 200'000);
  }
  CHECK(place_here().turn_ns == before.turn_ns);
}

TEST_CASE("a thread that yields has the least share, and all who wake come before it") {
  const Place before = place_here();
  const Place yielding = place_after([] { yield_to_others(); });
  CHECK(yielding.niceness == 19);
  if (kernel_knows_turns()) CHECK(yielding.turn_ns == 200'000);
  CHECK(place_here().niceness == before.niceness);
}

TEST_CASE("a thread that asks is interrupted when its turn is over, not at the next tick") {
  if (!kernel_knows_turns()) return;
  constexpr long ticks_a_turn = 4;  // At least, where the kernel looks a thousand times a second.
  CHECK(interruptions(true) > ticks_a_turn * interruptions(false));
}

}  // namespace slipway
