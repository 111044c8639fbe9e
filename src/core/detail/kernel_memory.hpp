// What the kernel keeps for the processes of a jail beside their pages. It stands in no number that
// the kernel tells of a process, so it is counted from what can make it grow, at the most that each
// can take.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

namespace slipway::detail {

/// For one look at all processes; what they share counts once.
class KernelMemory {
 public:
  /// Its sockets, pipes, polls and locks. One that is gone adds nothing.
  void add_open_files(pid_t process);
  /// Also what is under way between processes.
  std::int64_t bytes() const;

 private:
  void add_file(const std::string& folder, const std::string& number, const std::string& target);
  std::set<std::string> seen_;  ///< "socket:[12]"
  std::int64_t bytes_ = 0;
  bool is_under_way_ = false;  ///< Descriptors that were sent and not received.
};

/// Of the descriptions of a process's mappings.
std::int64_t mapping_bytes(pid_t process);

}  // namespace slipway::detail
