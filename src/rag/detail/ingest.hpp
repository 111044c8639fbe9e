// Sources become searchable documents, as a diff: what is known is not read twice, loaded twice or
// embedded twice.
#pragma once

#include "rag/detail/shelf.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

Result<IngestReport> ingest(const Context&, Shelf&, const IngestRequest&, const ProgressSink&);

}  // namespace slipway::rag::detail
