// What is done behind requests takes what they leave.
#pragma once

#include <sched.h>

namespace slipway::trace::detail {

/// The calling thread takes what all others leave from now on: whoever has work for a request
/// takes the processor from it at once, and is put onto one that only such a thread uses as onto
/// an idle one. It still gets a three hundredth when others want all. There is no way back without
/// privileges.
inline void yield_to_requests() {
  const sched_param parameters{};
  ::sched_setscheduler(0, SCHED_IDLE, &parameters);  // Of this thread alone, as Linux has it.
}

}  // namespace slipway::trace::detail
