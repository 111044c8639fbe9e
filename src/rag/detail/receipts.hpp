// The stored record of an answer, and its repetition.
#pragma once

#include "rag/detail/answer.hpp"

namespace slipway::rag::detail {

/// Stores the receipt and sets `answer.receipt_id`.
Result<void> store_receipt(const Context&, Shelf&, const AskRequest&, Answered&);

Result<json::Value> load_receipt(const Context&, Shelf&, const std::string& id);

/// Takes the words that came of a document out of the receipts of a generation: prompt, reply,
/// answer and quotes; ids, hashes and scores stay. Gives how many receipts had it.
Result<std::int64_t> redact_receipts(store::Connection&, std::int64_t collection,
                                     const std::string& document_id);

/// Against the recorded version if it is kept, else against the current one.
Result<Replay> replay(const Context&, Shelf&, Texts&, const std::string& id, bool rerun);

}  // namespace slipway::rag::detail
