// Signs that a text wants to be an instruction.
#pragma once

#include <string>
#include <string_view>

namespace slipway::gateway::detail {

struct Suspicion {
  double score = 0;  ///< 0..1
  std::string sign;  ///< The strongest, for the record.
};

/// A heuristic: it knows common wordings in English and German, markers of chat templates, and
/// text that is hidden from readers. What it does not know passes.
Suspicion suspect_injection(std::string_view text);

}  // namespace slipway::gateway::detail
