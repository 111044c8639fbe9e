// The whole program is compiled for x86-64-v3, also its static initializers, which run before main.
// So the check is a constructor of the highest priority, compiled for the baseline, that uses
// nothing but system calls: on an older processor a message instead of SIGILL.
#include "app/cpu.hpp"

#include <unistd.h>

#include <cstring>

namespace slipway::app {

namespace {

[[gnu::constructor(101), gnu::target("arch=x86-64")]] void refuse_older_cpu() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    return;
  static const char message[] =
      "slipway: this processor has no AVX2, FMA or BMI2; this build needs all three. Build it with "
      "-march for your processor.\n";
  if (::write(STDERR_FILENO, message, sizeof message - 1) < 0) ::_exit(1);
  ::_exit(1);
}

}  // namespace

bool is_cpu_supported() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}

}  // namespace slipway::app
