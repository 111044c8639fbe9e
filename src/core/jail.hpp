// Runs foreign code in namespaces of its own: code that a model wrote, programs that an operator
// declared.
//
// Where the sandbox of `core/sandbox.hpp` confines our own parsers and lets what the kernel lacks
// go, a jail is whole or not at all: own user, mount, process, IPC and host-name namespaces, no
// network unless asked for, a read-only root of the listed paths only, a private /tmp in memory,
// Landlock and seccomp over all of it, limits of time, memory, processes and output.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway {

struct JailLimits {
  std::chrono::milliseconds wall{10'000};
  std::chrono::milliseconds cpu{5'000};       ///< Of all processes together.
  std::size_t memory_bytes_max = 256u << 20;  ///< Of all processes together, with /tmp.
  std::size_t output_bytes_max = 1u << 20;    ///< Of standard output.
  int processes_max = 16;                     ///< Threads count.
};

struct Jail {
  std::vector<std::string> command;                ///< An absolute path, and arguments.
  std::vector<std::string> readable, writable;     ///< Absolute paths, at the same place within.
  std::map<std::string, std::string> environment;  ///< Beside PATH, HOME, TMPDIR and LANG.
  bool has_network = false;
  bool has_proc = false;  ///< /proc with its own processes, where the kernel lets it be mounted.
  JailLimits limits;
};

struct JailOutput {
  std::string out;
  std::string err;    ///< The first 64 KiB.
  int exit_code = 0;  ///< 128 + N: ended by signal N.
};

/// What a program needs of the system: its libraries and programs.
std::vector<std::string> system_paths();

/// `input` on its standard input. Safe to use from many threads. Fails: unsupported (the system
/// lacks a part of the jail; nothing has run), not_found (no such program), deadline_exceeded (a
/// limit of time), invalid_argument (a limit of memory or output), cancelled, unavailable.
Result<JailOutput> run_jailed(const Context& context, const Jail& jail, std::string_view input);

}  // namespace slipway
