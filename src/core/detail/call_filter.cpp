#include "core/detail/call_filter.hpp"

#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>

namespace slipway::detail {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;
#endif

constexpr std::uint32_t low_half_of_argument(int index) {  // Little endian.
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                    8 * static_cast<unsigned>(index));
}

constexpr long ways_out[] = {SYS_ptrace,
                             SYS_process_vm_readv,
                             SYS_process_vm_writev,
                             SYS_kcmp,
                             SYS_mount,
                             SYS_umount2,
                             SYS_pivot_root,
                             SYS_chroot,
                             SYS_unshare,
                             SYS_setns,
                             SYS_bpf,
                             SYS_perf_event_open,
                             SYS_userfaultfd,
                             SYS_keyctl,
                             SYS_add_key,
                             SYS_request_key,
                             SYS_init_module,
                             SYS_finit_module,
                             SYS_delete_module,
                             SYS_kexec_load,
                             SYS_reboot,
                             SYS_swapon,
                             SYS_swapoff,
                             SYS_acct,
                             SYS_settimeofday,
                             SYS_clock_settime,
                             SYS_sethostname,
                             SYS_setdomainname,
                             SYS_quotactl,
                             SYS_personality,
                             SYS_mknodat,
                             SYS_open_by_handle_at,
                             SYS_pidfd_open,
                             SYS_pidfd_send_signal};

}  // namespace

std::span<const long> calls_that_lead_out() { return ways_out; }

CallFilter::CallFilter() {
  load(offsetof(seccomp_data, arch));
  jump(BPF_JEQ, architecture, 1, 0);
  verdict(SECCOMP_RET_KILL_PROCESS);
  load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  jump(BPF_JGE, 0x40000000, 0, 1);  // The x32 calls have other numbers for the same deeds.
  verdict(SECCOMP_RET_KILL_PROCESS);
#endif
}

void CallFilter::on(long call, std::uint32_t verdict_then) {
  jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, 1);
  verdict(verdict_then);
}

void CallFilter::on_bits(long call, const Bits& bits, std::uint32_t verdict_then) {
  jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, 4);
  load(low_half_of_argument(bits.argument));
  jump(BPF_JSET, bits.mask, bits.is_set ? 0 : 1, bits.is_set ? 1 : 0);
  verdict(verdict_then);
  load(offsetof(seccomp_data, nr));
}

void CallFilter::on_values(long call, std::span<const Argument> wanted,
                           std::uint32_t verdict_then) {
  int left = 2 * static_cast<int>(wanted.size()) + 1;  // Until the number is loaded again.
  jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, left + 1);
  for (const Argument& one : wanted) {
    load(low_half_of_argument(one.argument));
    left -= 2;
    jump(BPF_JEQ, one.value, 0, left);
  }
  verdict(verdict_then);
  load(offsetof(seccomp_data, nr));
}

void CallFilter::on_value(long call, int argument, std::uint32_t value,
                          std::uint32_t verdict_then) {
  const Argument wanted[] = {{argument, value}};
  on_values(call, wanted, verdict_then);
}

bool CallFilter::install(std::uint32_t otherwise) {
  if (architecture == 0) {
    errno = ENOSYS;  // The numbers of its calls are not known here.
    return false;
  }
  verdict(otherwise);
  sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void CallFilter::load(std::size_t offset) {
  code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}

void CallFilter::jump(int test, std::uint32_t value, int if_true, int if_false) {
  code_.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value,
                           static_cast<std::uint8_t>(if_true),
                           static_cast<std::uint8_t>(if_false)));
}

void CallFilter::verdict(std::uint32_t value) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, value)); }

}  // namespace slipway::detail
