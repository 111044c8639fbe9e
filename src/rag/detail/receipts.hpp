// The stored record of an answer, and its repetition.
#pragma once

#include "rag/detail/answer.hpp"

namespace slipway::rag::detail {

/// Stores the receipt and sets `answer.receipt_id`.
Result<void> store_receipt(const Context&, Shelf&, const AskRequest&, Answered&);

Result<json::Value> load_receipt(const Context&, Shelf&, const std::string& id);

Result<Replay> replay(const Context&, Shelf&, Texts&, const std::string& id, bool rerun);

}  // namespace slipway::rag::detail
