// What is done behind requests takes what they leave.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace slipway::trace::detail {

/// The calling thread gives way to all others from now on: it gets a sixtieth of what one of them
/// gets, and all that none of them wants. There is no way back without privileges.
inline void yield_to_requests() {
  constexpr int niceness = 19;
  // Of this thread alone, as Linux has it.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

}  // namespace slipway::trace::detail
