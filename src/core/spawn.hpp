// Starting another program.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace slipway {

struct SpawnOptions {
  std::vector<std::string> command;  ///< The words that it sees, its own name first. One at least.
  std::string program;               ///< Its file, or its name on PATH. Empty: the first word.
  std::optional<std::vector<std::string>> environment;  ///< "NAME=value". None: as ours is.
  std::filesystem::path folder;                         ///< Where it begins. Empty: where we are.
  std::vector<int> descriptors;  ///< Ours that become its 0, 1, 2 and so on; it gets no others.
};

/// Starts it in a process group of its own, so that Ctrl-C is ours to pass on and `kill(-pid, ...)`
/// reaches its children too, and with the usual signals, whatever is blocked or ignored here. The
/// caller reaps it. Fails, with the system's words: not_found (no such program), unavailable.
Result<pid_t> spawn(const SpawnOptions& options);

}  // namespace slipway
