// Whether what is stored fits together, for `slipway doctor`.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// One line per fault. With `repair`, documents whose text is damaged or missing are removed, so
/// that the next ingest brings them back whole, and texts of no document are swept (no fault: each
/// ingest does that too).
Result<std::vector<std::string>> check(const Context&, Shelf&, bool repair);

}  // namespace slipway::rag::detail
