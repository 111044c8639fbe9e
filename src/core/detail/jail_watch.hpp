// What the processes of a jail use together: limits of the kernel without control groups hold for
// each alone.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/detail/jail_child.hpp"

namespace slipway::detail {

/// Waits for the first process of a jail. Ends it when all of them together used more than they
/// may; then the word of what: "cpu", "memory". Empty: it ended by itself.
std::string watch_jail(pid_t first, const JailOrder& order);

}  // namespace slipway::detail
