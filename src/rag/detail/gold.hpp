// Questions with known documents, asked of a generation.
#pragma once

#include "rag/detail/retrieve.hpp"

namespace slipway::rag::detail {

/// Recall and nDCG (linear gain) of documents among the first `limit` passages, means over the
/// questions. Fails: as retrieve.
Result<GoldScores> score_gold(const Context&, Shelf&, Texts&,
                              const std::shared_ptr<OpenCollection>& generation,
                              const std::vector<GoldQuestion>&, int limit);

}  // namespace slipway::rag::detail
