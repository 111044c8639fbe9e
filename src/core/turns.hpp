// How long a thread may hold a processor that others want.
//
// A thread that wakes to pass bytes on for 50 us should not wait behind the milliseconds of one
// that computes. Who wakes takes the processor at once from a thread whose turns are longer than
// its own; among equals it waits until the other's turn is over, which the kernel notices at its
// next tick, up to 4 ms later. So what answers requests takes short turns, and what works behind
// them long ones. Linux 6.12 and later heed it; elsewhere nothing changes. A thread's share of the
// processors stays the same.
#pragma once

namespace slipway {

/// The calling thread gives its processor to whoever waits after 100 us, the least that the kernel
/// takes, and comes to its next turn the sooner.
void take_short_turns();

/// The calling thread goes on for 100 ms, the most that the kernel takes, unless another wakes.
void take_long_turns();

/// The calling thread gives way to all others from now on: it takes long turns, gets a sixtieth of
/// what one of them gets, and all that none of them wants. There is no way back without privileges.
void yield_to_others();

}  // namespace slipway
