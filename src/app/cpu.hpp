// The processor that this build needs.
#pragma once

namespace slipway::app {

/// Whether this machine has AVX2, FMA and BMI2, which the program is compiled for. A program on a
/// lesser one never gets to ask: it ends before main with a clear message.
bool is_cpu_supported();

}  // namespace slipway::app
