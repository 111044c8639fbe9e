// Whether what is stored fits together, for `slipway doctor`.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// One line per fault. With `repair`, orphaned texts are deleted and documents whose text is
/// damaged or missing are removed, so that the next ingest brings them back whole.
Result<std::vector<std::string>> check(const Context&, Shelf&, bool repair);

}  // namespace slipway::rag::detail
