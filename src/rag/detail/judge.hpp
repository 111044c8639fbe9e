// Decides whether a sentence that a model wrote is supported by the evidence, and by which quotes.
#pragma once

#include <vector>

#include "rag/detail/evidence.hpp"

namespace slipway::rag::detail {

struct Verdict {
  double support = 0;                   ///< 0..1
  std::vector<const Evidence*> quotes;  ///< One or two; empty when nothing supports it.
  std::string why_not;                  ///< When it is not supported.
};

/// `vector` is the claim's embedding. A claim needs its hard facts in the evidence, then a support
/// of at least `support_min`; two neighbouring quotes may carry it together.
Verdict judge(const std::string& claim, const models::Vector& vector,
              const std::vector<Evidence>& evidence, double support_min);

}  // namespace slipway::rag::detail
