// Which model files have been looked at already.
#pragma once

#include <string>

namespace slipway::models::detail {

/// Whether a file with this content came through `vet_gguf` before, on this machine.
bool is_vetted(const std::string& hash);
/// Losing this costs time only, so failures to write it are not reported.
void remember_vetted(const std::string& hash);

}  // namespace slipway::models::detail
