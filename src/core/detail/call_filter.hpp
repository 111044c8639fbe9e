// A filter of system calls (seccomp).
//
// It is written by hand in classic BPF: libseccomp would be one more library in every program, and
// a few lists do not need it. Numbers come from <sys/syscall.h> of the build machine; calls that
// are newer than its kernel headers are given by number.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <vector>

namespace slipway::detail {

// Verdicts.
inline constexpr std::uint32_t permit = SECCOMP_RET_ALLOW;
inline constexpr std::uint32_t deny = SECCOMP_RET_ERRNO | EPERM;
/// As a kernel that does not have it: programs do without.
inline constexpr std::uint32_t deny_as_unknown = SECCOMP_RET_ERRNO | ENOSYS;
/// It succeeds, and does nothing.
inline constexpr std::uint32_t ignore = SECCOMP_RET_ERRNO;

/// Rules are asked in the order in which they were added; the first that fits decides. Calls by
/// another architecture's numbers end the process.
class CallFilter {
 public:
  CallFilter();

  void on(long call, std::uint32_t verdict_then);
  struct Bits {
    int argument;
    std::uint32_t mask;
    bool is_set;  ///< Whether one of them must be set, or none.
  };
  /// Of the argument's low 32 bits, here and below.
  void on_bits(long call, const Bits& bits, std::uint32_t verdict_then);
  struct Argument {
    int argument;
    std::uint32_t value;
  };
  /// Where all of `wanted` are as they say.
  void on_values(long call, std::span<const Argument> wanted, std::uint32_t verdict_then);
  void on_value(long call, int argument, std::uint32_t value, std::uint32_t verdict_then);

  /// For this process and what it starts, for good. False when the kernel refuses.
  bool install(std::uint32_t otherwise);

 private:
  void load(std::size_t offset);
  void jump(int test, std::uint32_t value, int if_true, int if_false);
  void verdict(std::uint32_t value);

  std::vector<sock_filter> code_;
};

/// Calls by which a process reaches others, or changes the system that all share.
std::span<const long> calls_that_lead_out();

}  // namespace slipway::detail
