// Runs another program of this machine to its end.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/context.hpp"

namespace slipway::models::detail {

struct ProgramOutput {
  int exit_code = 0;
  std::string tail;  ///< The end of what it wrote to standard output and error.
};

/// Finds `command[0]` on PATH, gives it no input, waits. When the context ends or `timeout` is
/// over, it and all its children are killed. Fails: not_found (no such program),
/// deadline_exceeded, cancelled, unavailable.
Result<ProgramOutput> run_program(const Context& context, const std::vector<std::string>& command,
                                  std::chrono::milliseconds timeout);

}  // namespace slipway::models::detail
