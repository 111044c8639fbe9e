// How long a thread may hold a processor that others want.
//
// A thread that wakes to pass bytes on for 50 us should not wait behind the milliseconds of one
// that computes. Who wakes takes the processor at once from a thread whose turns are longer than
// its own, if it has not had more than its share; else it waits until the other's turn is over,
// which the kernel notices at its next tick, up to 4 ms later, or when it is asked. So what answers
// requests takes short turns, and what works behind them longer ones and asks in between. Linux
// 6.12 and later heed it; elsewhere little changes. A thread's share of the processors stays the
// same.
#pragma once

namespace slipway {

/// The calling thread gives its processor to whoever waits after 100 us, the least that the kernel
/// takes, and comes to its next turn the sooner.
void take_short_turns();

/// The calling thread works behind others: its turns are 200 us, so that who takes short ones comes
/// first, and `end_turn_if_over` asks.
void take_long_turns();

/// The calling thread gives way to all others from now on: it takes long turns, gets a sixtieth of
/// what one of them gets, and all that none of them wants. There is no way back without privileges.
void yield_to_others();

/// Asks the kernel whether the turn of the calling thread is over and somebody waits, who goes on
/// then. For work that takes more than 50 us or so without a system call; takes about 1 us. Does
/// nothing on threads that neither take long turns nor yield.
void end_turn_if_over();

}  // namespace slipway
