// Runs code on foreign bytes in a child process that can do nothing but compute.
//
// The child has no network, no file access beyond what is listed, limited memory and time, no new
// privileges (rlimits, Landlock, seccomp; what the kernel lacks is logged once and the rest still
// holds).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway {

struct SandboxLimits {
  std::chrono::milliseconds timeout{
      60'000};  ///< Wall time; CPU time is limited to the same, rounded up.
  std::size_t memory_bytes_max = 2048ull << 20;  ///< Address space.
  std::size_t output_bytes_max = 1024ull << 20;
};

struct SandboxOutput {
  std::string out;  ///< What the child wrote to standard output.
  std::string err;  ///< The first 64 KiB of its standard error.
  int exit_code = 0;
};

/// Runs a function of this program, registered under `entry`, in a fresh child: `input` on its
/// standard input, its result on its standard output. The child can open no file at all. Fails:
/// deadline_exceeded, cancelled, invalid_argument (the child was ended by a limit or crashed: the
/// input is bad), internal (the program's main does not call `run_sandbox_child`).
Result<SandboxOutput> run_sandboxed(const Context& context, std::string_view entry,
                                    std::string_view input, const SandboxLimits& limits);

/// Runs another program (absolute path and arguments) with `input` on its standard input. It may
/// read the folders in `readable` (its libraries and data) and write nothing. A program that ends
/// with an exit code is a success that carries it. Fails: as `run_sandboxed`; not_found (no such
/// program).
Result<SandboxOutput> run_program_sandboxed(const Context& context,
                                            const std::vector<std::string>& command,
                                            std::string_view input, const SandboxLimits& limits,
                                            const std::vector<std::string>& readable);

/// A function that the sandboxed child runs: reads the whole input, returns the output, or an error
/// whose message becomes the failure of `run_sandboxed`, with its code.
using SandboxEntry = Result<std::string> (*)(std::string_view input);

/// `const SandboxRegistration html("load-html", &load_html);` at namespace scope of the .cpp that
/// calls `run_sandboxed`.
struct SandboxRegistration {
  SandboxRegistration(std::string_view entry, SandboxEntry function);
};

/// The first statement of every `main`: in a sandboxed child it runs the entry and ends the
/// process.
void run_sandbox_child(int argc, char** argv);

}  // namespace slipway
