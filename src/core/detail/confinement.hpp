// The kernel's means to take rights away from the calling process: resource limits, Landlock
// (files) and seccomp (system calls). Rights that are given up never come back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace slipway::detail {

/// Resource limits of this process; 0 bytes means no limit of memory.
struct ResourceLimits {
  std::size_t cpu_seconds_max = 60;
  std::size_t memory_bytes_max = 0;
  std::size_t files_open_max = 64;
};

/// No core file, no written file, and the limits given. False when the kernel refuses one of them.
bool limit_resources(const ResourceLimits& limits);

/// No new privileges by set-user-id programs; needed by the two below.
bool give_up_privileges();

/// Landlock: of the file system only what is in `readable` (files or folders, to read and execute),
/// no TCP, no signals to processes outside. False when the kernel has no Landlock.
bool restrict_files(const std::vector<std::string>& readable);

/// The same for a program that may write somewhere, or speak to the network.
struct ReachablePaths {
  std::vector<std::string> readable, writable;
  bool has_network = false;
};
bool restrict_paths(const ReachablePaths& paths);

/// Seccomp: memory, time and the open descriptors; everything else fails with EPERM, so not even a
/// file that Landlock would allow can be opened, and no memory can be made executable.
bool allow_computing_only();

/// Seccomp for a foreign program: no sockets, no other processes, nothing that asks the kernel for
/// more than files and memory. Must still allow execve, because it is set before the program
/// starts.
bool deny_network_and_processes();

/// Seccomp for a program in namespaces of its own: what programs need, and nothing that makes other
/// namespaces, looks into other processes, or keeps memory that counts for none. Without network
/// only sockets between its own processes. In jail_calls.cpp.
bool allow_program_calls(bool has_network);

}  // namespace slipway::detail
