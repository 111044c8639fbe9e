#include "core/turns.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace slipway {

namespace {

thread_local bool works_behind_others = false;

/// Between 0.1 and 100 ms, in nanoseconds.
void take_turns(std::uint64_t turn_ns) {
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime_ns, deadline_ns, period_ns;
  } attributes{};  // `sched_attr`, whose header clashes with that of the C library.
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  attributes.size = sizeof attributes;
  attributes.runtime_ns = turn_ns;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void take_short_turns() { take_turns(100'000); }

void take_long_turns() {
  works_behind_others = true;
  take_turns(200'000);
}

void yield_to_others() {
  constexpr int niceness = 19;
  // Of this thread alone, as Linux has it.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
  take_long_turns();  // Last: it keeps the niceness that it finds.
}

void end_turn_if_over() {
  if (!works_behind_others) return;
  // To tell this time the kernel counts what the thread has used, and sees that its turn is over.
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
}

}  // namespace slipway
