#include "core/detail/kernel_memory.hpp"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <string_view>

#include "core/detail/jail_child.hpp"

namespace slipway::detail {

namespace {

constexpr std::int64_t pipe_bytes = 68 << 10;  ///< Sixteen pages and what describes them.
constexpr std::int64_t poll_bytes = 64 << 10;  ///< Of one that watches all that can be open.
constexpr std::int64_t lock_bytes = 256;
constexpr std::int64_t mapping_bytes_each = 512;  ///< With what finds it, and its pages, again.
constexpr auto files_max = static_cast<std::int64_t>(jail_files_max);

/// What a socket lets its peer leave unread.
std::int64_t socket_bytes() {
  static const std::int64_t bytes = [] {
    std::int64_t told = 212'992;  // The kernel's own, where it does not tell.
    std::ifstream("/proc/sys/net/core/wmem_default") >> told;
    return told + 2048;
  }();
  return bytes;
}

}  // namespace

void KernelMemory::add_open_files(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process) + "/";
  const std::unique_ptr<DIR, int (*)(DIR*)> list(opendir((folder + "fd").c_str()), closedir);
  if (!list) {
    // Who hides what is open has all of it.
    if (errno == EACCES) bytes_ += files_max * socket_bytes();
    return;
  }
  char target[64];
  while (const dirent* entry = readdir(list.get())) {
    if (entry->d_name[0] == '.') continue;
    const ssize_t size = readlinkat(dirfd(list.get()), entry->d_name, target, sizeof target);
    if (size > 0)
      add_file(folder, entry->d_name, std::string(target, static_cast<std::size_t>(size)));
  }
}

void KernelMemory::add_file(const std::string& folder, const std::string& number,
                            const std::string& target) {
  const bool is_socket = target.starts_with("socket:");
  const bool is_device = target.starts_with("/dev/");
  const bool is_kept_in_memory = !target.starts_with('/');
  if (is_device || (is_kept_in_memory && !seen_.insert(target).second)) return;
  if (is_socket) bytes_ += socket_bytes();
  if (target.starts_with("pipe:")) bytes_ += pipe_bytes;
  if (target == "anon_inode:[eventpoll]") {
    bytes_ += poll_bytes;
    seen_.erase(target);  // They have no numbers.
  }
  if (is_kept_in_memory && !is_socket) return;
  std::ifstream lines(folder + "fdinfo/" + number);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("lock:")) bytes_ += lock_bytes;
    constexpr std::string_view sent = "scm_fds:";
    if (line.starts_with(sent) && std::atoll(line.c_str() + sent.size()) > 0) is_under_way_ = true;
  }
}

std::int64_t KernelMemory::bytes() const {
  // Whose buffers nobody shows. A user has so many of them together.
  return bytes_ + (is_under_way_ ? files_max * socket_bytes() : 0);
}

std::int64_t mapping_bytes(pid_t process) {
  std::ifstream lines("/proc/" + std::to_string(process) + "/maps");
  std::int64_t count = 0;
  while (lines.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) ++count;
  return count * mapping_bytes_each;
}

}  // namespace slipway::detail
