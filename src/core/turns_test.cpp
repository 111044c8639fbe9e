#include "core/turns.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
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
    CHECK(working.turn_ns == 100'000'000);
  }
  CHECK(place_here().turn_ns == before.turn_ns);
}

TEST_CASE("a thread that yields has the least share, and all who wake come before it") {
  const Place before = place_here();
  const Place yielding = place_after([] { yield_to_others(); });
  CHECK(yielding.niceness == 19);
  if (kernel_knows_turns()) CHECK(yielding.turn_ns == 100'000'000);
  CHECK(place_here().niceness == before.niceness);
}

}  // namespace slipway
