// What a foreign program may call: a list of what programs need. All that is not on it is unknown
// to the program as if the kernel were older, so what a newer kernel brings is closed too.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/detail/call_filter.hpp"
#include "core/detail/confinement.hpp"

namespace slipway::detail {

namespace {

// Not here, for what they take counts for no process: memory that nobody has mapped (memfd_create,
// memfd_secret, System V's, POSIX queues), pages given to pipes (vmsplice, which keeps whole large
// ones), queues of inotify, rings of AIO. Not here, for their deeds go past this filter: io_uring.
constexpr long allowed[] = {
    // First what is called most.
    SYS_read,
    SYS_write,
    SYS_futex,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_close,
    SYS_openat,
    SYS_newfstatat,
    SYS_fstat,
    SYS_lseek,
    SYS_brk,
    SYS_madvise,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_getdents64,
    SYS_readlinkat,
    SYS_clock_gettime,
    SYS_getrandom,
    // Files.
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_syncfs,
    SYS_truncate,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_readahead,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fchownat,
    SYS_faccessat,
    SYS_utimensat,
    SYS_umask,
    SYS_statfs,
    SYS_fstatfs,
    SYS_statx,
    SYS_flock,
    SYS_getxattr,
    SYS_lgetxattr,
    SYS_fgetxattr,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_flistxattr,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    // Descriptors.
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_fcntl,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    // Sockets; which, says `socket`.
    SYS_socketpair,
    SYS_bind,
    SYS_connect,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_setsockopt,
    SYS_getsockopt,
    // Memory.
    SYS_mremap,
    SYS_msync,
    SYS_mincore,
    SYS_mlock,
    SYS_munlock,
    SYS_mlockall,
    SYS_munlockall,
    SYS_mlock2,
    SYS_mbind,
    SYS_set_mempolicy,
    SYS_get_mempolicy,
    SYS_pkey_mprotect,
    SYS_pkey_alloc,
    SYS_pkey_free,
    SYS_membarrier,
    // Processes and threads.
    SYS_clone,
    SYS_execve,
    SYS_execveat,
    SYS_exit,
    SYS_exit_group,
    SYS_wait4,
    SYS_waitid,
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_rseq,
    SYS_restart_syscall,
    SYS_prctl,
    SYS_seccomp,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_setsid,
    SYS_getsid,
    SYS_setpgid,
    SYS_getpgid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getgroups,
    SYS_getresuid,
    SYS_getresgid,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_capget,
    SYS_capset,
    SYS_getrlimit,
    SYS_setrlimit,
    SYS_prlimit64,
    SYS_getrusage,
    SYS_times,
    SYS_sysinfo,
    SYS_uname,
    SYS_getpriority,
    SYS_setpriority,
    SYS_ioprio_get,
    SYS_ioprio_set,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_setaffinity,
    SYS_sched_getparam,
    SYS_sched_setparam,
    SYS_sched_getscheduler,
    SYS_sched_setscheduler,
    SYS_sched_getattr,
    SYS_sched_setattr,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_sched_rr_get_interval,
    SYS_getcpu,
    // Signals and time.
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getitimer,
    SYS_setitimer,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timer_gettime,
    SYS_timer_getoverrun,
    SYS_timer_delete,
    // Newer than the headers, with the same numbers everywhere: close_range, openat2, faccessat2,
    // epoll_pwait2, Landlock, futex_waitv, set_mempolicy_home_node, fchmodat2, map_shadow_stack,
    // futex_wake, futex_wait, futex_requeue, mseal.
    436,
    437,
    439,
    441,
    444,
    445,
    446,
    449,
    450,
    452,
    453,
    454,
    455,
    456,
    462,
#if defined(__x86_64__)  // Whose older names the newer architectures do without.
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_poll,
    SYS_select,
    SYS_pipe,
    SYS_dup2,
    SYS_getdents,
    SYS_creat,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_link,
    SYS_unlink,
    SYS_symlink,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
    SYS_fork,
    SYS_vfork,
    SYS_getpgrp,
    SYS_pause,
    SYS_alarm,
    SYS_time,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_signalfd,
    SYS_arch_prctl,
#endif
};

/// Buffers of the kernel stay as large as they are at first; see jail_watch.cpp, which counts them.
void keep_buffers_small(CallFilter& filter) {
  filter.on_value(SYS_fcntl, 1, F_SETPIPE_SZ, deny);
  for (const std::uint32_t option : {SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    const CallFilter::Argument wanted[] = {{1, SOL_SOCKET}, {2, option}};
    filter.on_values(SYS_setsockopt, wanted, ignore);
  }
}

}  // namespace

bool allow_program_calls(bool has_network) {
  CallFilter filter;
  keep_buffers_small(filter);
  constexpr std::uint32_t new_namespaces = 0x7E020080;
  filter.on_bits(SYS_clone, {0, new_namespaces, true}, deny);
  constexpr std::uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  for (const std::uint32_t family : families)
    if (has_network || family == AF_UNIX) filter.on_value(SYS_socket, 0, family, permit);
  filter.on(SYS_socket, deny);
  // Characters pushed into somebody's terminal.
  for (const std::uint32_t push : {std::uint32_t{TIOCSTI}, 0x541cu /* TIOCLINUX */})
    filter.on_value(SYS_ioctl, 1, push, deny);
  filter.on(SYS_ioctl, permit);
  for (const long call : allowed) filter.on(call, permit);
  // Told apart, so that it is known whether a program misses a call or tried something.
  for (const long call : calls_that_lead_out()) filter.on(call, deny);
  for (const long call : {SYS_syslog, SYS_adjtimex, SYS_clock_adjtime, SYS_vhangup,
                          SYS_name_to_handle_at, SYS_fanotify_init})
    filter.on(call, deny);
#if defined(__x86_64__)
  for (const long call : {SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_mknod, SYS_kexec_file_load})
    filter.on(call, deny);
#endif
  // The mounts of the newer interface, pidfd_getfd, process_madvise.
  for (const long call : {428, 429, 430, 431, 432, 433, 438, 440, 442, 467}) filter.on(call, deny);
  return filter.install(deny_as_unknown);
}

}  // namespace slipway::detail
