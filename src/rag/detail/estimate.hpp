// What a question can cost, before anything of it is asked.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// See `Library::estimate`.
Result<AskEstimate> estimate(const Context&, Shelf&, const AskRequest&);

}  // namespace slipway::rag::detail
