// How long a thread may hold a processor that others want.
//
// What shares processors with requests takes short turns: a thread that wakes to pass bytes on for
// 50 us should not wait behind the milliseconds of one that computes. Linux 6.12 and later heed it;
// elsewhere nothing changes. A thread's share of the processors stays the same.
#pragma once

namespace slipway {

/// The calling thread gives its processor to whoever waits after 100 us, the least that the kernel
/// takes, and comes to its next turn the sooner.
void take_short_turns();

/// The calling thread gives way to all others from now on: it takes short turns, gets a sixtieth of
/// what one of them gets, and all that none of them wants. There is no way back without privileges.
void yield_to_others();

}  // namespace slipway
