// Landlock's structs are declared here because Debian 12's header knows only the first of its seven
// versions, while the running kernel may know all; the kernel accepts a larger struct when the part
// that it does not know is zero.
#include "core/detail/confinement.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "core/detail/call_filter.hpp"

namespace slipway::detail {

namespace {

// --- Landlock -----------------------------------------------------------------------------------
struct LandlockRuleset {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};
struct LandlockPathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
} __attribute__((packed));

constexpr long create_ruleset_call = 444;  // The same numbers on every architecture.
constexpr long add_rule_call = 445;
constexpr long restrict_self_call = 446;
constexpr std::uint64_t may_execute = 1u << 0;
constexpr std::uint64_t may_read_file = 1u << 2;
constexpr std::uint64_t may_read_folder = 1u << 3;
constexpr std::uint64_t may_read = may_execute | may_read_file | may_read_folder;
// And to write, to truncate, to use a device.
constexpr std::uint64_t rights_of_files =
    may_execute | may_read_file | 1u << 1 | 1u << 14 | 1u << 15;

/// Every right that version `abi` of Landlock can take away.
LandlockRuleset everything_of(long abi) {
  LandlockRuleset all;
  int rights = 13;
  if (abi >= 2) ++rights;  // Moving between folders.
  if (abi >= 3) ++rights;  // Truncating.
  if (abi >= 5) ++rights;  // ioctl on devices.
  all.handled_access_fs = (std::uint64_t{1} << rights) - 1;
  if (abi >= 4) all.handled_access_net = 3;  // Bind and connect of TCP.
  if (abi >= 6) all.scoped = 3;              // Abstract sockets and signals of other processes.
  return all;
}

/// A path that is not there needs no rule. `rights` of a folder; of a file those that files have.
void allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  struct stat status {};
  LandlockPathBeneath rule{rights, fd};
  if (fstat(fd, &status) != 0 || !S_ISDIR(status.st_mode)) rule.allowed_access &= rights_of_files;
  constexpr int path_beneath = 1;
  (void)syscall(add_rule_call, ruleset, path_beneath, &rule, 0);
  close(fd);
}

bool set_limit(__rlimit_resource resource, std::size_t value) {
  const rlimit limit{value, value};
  return setrlimit(resource, &limit) == 0;
}

}  // namespace

bool limit_resources(const ResourceLimits& limits) {
  bool holds = set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_FSIZE, 0) &&
               set_limit(RLIMIT_NOFILE, limits.files_open_max);
  // One second more before the hard limit, so that the signal says that it was the time.
  const rlimit cpu{limits.cpu_seconds_max, limits.cpu_seconds_max + 1};
  holds = setrlimit(RLIMIT_CPU, &cpu) == 0 && holds;
#if !defined(__SANITIZE_ADDRESS__)  // Its shadow memory takes terabytes of address space.
  if (limits.memory_bytes_max > 0) holds = set_limit(RLIMIT_AS, limits.memory_bytes_max) && holds;
#endif
  return holds;
}

bool give_up_privileges() { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

bool restrict_files(const std::vector<std::string>& readable) {
  return restrict_paths({.readable = readable});
}

bool restrict_paths(const ReachablePaths& paths) {
  constexpr unsigned ask_for_version = 1;
  const long abi = syscall(create_ruleset_call, nullptr, 0, ask_for_version);
  if (abi < 1) return false;
  LandlockRuleset wanted = everything_of(abi);
  if (paths.has_network) wanted.handled_access_net = 0;
  const int ruleset = static_cast<int>(syscall(create_ruleset_call, &wanted, sizeof wanted, 0));
  if (ruleset < 0) return false;
  for (const std::string& path : paths.readable) allow(ruleset, path, may_read);
  for (const std::string& path : paths.writable) allow(ruleset, path, wanted.handled_access_fs);
  const bool holds = syscall(restrict_self_call, ruleset, 0) == 0;
  close(ruleset);
  return holds;
}

bool allow_computing_only() {
  CallFilter filter;
  for (const long call : {SYS_read,           SYS_write,        SYS_readv,       SYS_writev,
                          SYS_munmap,         SYS_mremap,       SYS_brk,         SYS_madvise,
                          SYS_futex,          SYS_exit,         SYS_exit_group,  SYS_rt_sigaction,
                          SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_clock_gettime,
                          SYS_gettimeofday,   SYS_getrandom,    SYS_close,       SYS_fstat,
                          SYS_lseek,          SYS_getpid,       SYS_gettid,      SYS_sched_yield,
                          SYS_restart_syscall})
    filter.on(call, permit);
#if defined(__SANITIZE_ADDRESS__)  // It writes to a pipe to learn whether memory can be read.
  filter.on(SYS_pipe2, permit);
#if defined(SYS_pipe)
  filter.on(SYS_pipe, permit);
#endif
#endif
  filter.on_bits(SYS_mmap, {2, PROT_EXEC, false}, permit);
  filter.on_bits(SYS_mprotect, {2, PROT_EXEC, false}, permit);
  // abort() signals itself; nobody else can be reached.
  filter.on_value(SYS_tgkill, 0, static_cast<std::uint32_t>(getpid()), permit);
  return filter.install(deny);
}

bool deny_network_and_processes() {
  CallFilter filter;
  for (const long call : {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept,
                          SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_kill, SYS_tkill,
                          SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_memfd_create})
    filter.on(call, deny);
  for (const long call : calls_that_lead_out()) filter.on(call, deny);
#if defined(SYS_fork)
  filter.on(SYS_fork, deny);
  filter.on(SYS_vfork, deny);
#endif
  filter.on_value(SYS_tgkill, 0, static_cast<std::uint32_t>(getpid()), permit);
  filter.on(SYS_tgkill, deny);
  constexpr std::uint32_t clone_thread = 0x00010000;
  filter.on_bits(SYS_clone, {0, clone_thread, false}, deny);
  // Its flags are behind a pointer, which a filter cannot follow; libraries fall back to clone.
  filter.on(SYS_clone3, deny_as_unknown);
  for (const long io_uring : {425, 426, 427}) filter.on(io_uring, deny_as_unknown);
  return filter.install(permit);
}

}  // namespace slipway::detail
