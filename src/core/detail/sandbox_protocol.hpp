// What parent and child of the sandbox agree on.
//
//   PROGRAM --sandbox-child ENTRY CPU_SECONDS MEMORY_BYTES
//   PROGRAM --sandbox-child @program CPU_SECONDS MEMORY_BYTES COUNT READABLE... COMMAND...
//
// Descriptors of the child: 0 the input (a sealed file in memory), 1 the output, 2 its errors, 3
// its status, in lines: "ready" once it is confined, before it looks at the input; "missing WORDS"
// for each protection that the kernel lacks; then "done", or "error CODE" and the message until the
// end.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::detail {

inline constexpr const char* sandbox_argument = "--sandbox-child";
inline constexpr const char* sandbox_program = "@program";
/// Set in the child: a main that does not know the argument above must not start more children.
inline constexpr const char* sandbox_variable = "SLIPWAY_SANDBOX_CHILD";
inline constexpr int sandbox_status_fd = 3;

/// What a child was given and said until it ended.
struct ChildTask {
  std::vector<std::string> arguments;
  std::string_view input;
  std::chrono::milliseconds timeout{0};
  std::size_t output_bytes_max = 0;
};
struct ChildSaid {
  std::string out, err, status;
  int wait_status = 0;
};
/// Starts this program anew with that input and waits for its end. Fails: deadline_exceeded,
/// cancelled, invalid_argument (too much output), unavailable.
Result<ChildSaid> run_child(const Context& context, const ChildTask& task);

/// Names of the functions that a child may run, sorted.
bool has_sandbox_entry(std::string_view entry);

}  // namespace slipway::detail
