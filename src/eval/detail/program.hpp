// Another program as a function of text: its input on standard input, its answer on standard
// output.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"

namespace slipway::eval::detail {

struct ProgramOutput {
  std::string out, err;  ///< Of `err` the first 64 KiB.
  int exit_code = 0;     ///< 128 + n when signal n ended it.
};

struct ProgramLimits {
  std::chrono::milliseconds timeout{120'000};
  std::size_t output_bytes_max = 16u << 20;
};

/// The operator's own program with all that this process may do: no shell, the environment as it
/// is, a process group of its own, which ends with the call. Safe from many threads. Fails:
/// not_found (no such program), deadline_exceeded, cancelled, invalid_argument (it writes more than
/// is taken), unavailable.
Result<ProgramOutput> run_program(const Context& context, const std::vector<std::string>& command,
                                  std::string_view input, const ProgramLimits& limits = {});

}  // namespace slipway::eval::detail
