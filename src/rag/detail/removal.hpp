// Documents leave, and nothing of them stays: chunks, vectors, texts.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// Removes a document with its chunks, its vectors and, when nobody else has it, its text.
Result<void> remove_document(const Context&, Shelf&, OpenCollection&, const std::string& id,
                             const std::string& text_hash);

/// Removes a stored text that no document has any more.
Result<void> release_text(const Context&, Shelf&, const std::string& text_hash);

/// Removes every stored text that belongs to no document, which is what a killed ingest can leave:
/// texts are written before the commit that needs them. Gives the hashes that went.
Result<std::vector<std::string>> sweep_texts(const Context&, Shelf&);

}  // namespace slipway::rag::detail
