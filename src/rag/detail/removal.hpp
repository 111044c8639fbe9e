// Documents leave: from the next version on, or from all versions with everything that came of
// them.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// From the next version on; older ones still have it until they are pruned.
Result<void> remove_document(const Context&, Shelf&, OpenCollection&, const std::string& id);

/// Out of all versions and generations, caches and receipts; then looks whether anything is left.
/// `document` is a living one.
Result<DeletionReport> erase_everywhere(const Context&, Shelf&, const DocumentRow& document);

/// Deletes what no version of the collection needs any more: documents, chunks, vectors, texts, and
/// generations that nobody can go back to.
Result<void> prune(const Context&, Shelf&, const OpenCollection&);

/// Deletes a generation with all that only it has.
Result<void> drop_generation(const Context&, Shelf&, const CollectionRow&);

/// Removes a stored text that no document has any more, and what was written about it. Gives how
/// many contexts went; -1 when the text is still used.
Result<std::int64_t> release_text(const Context&, Shelf&, const std::string& text_hash);

/// Removes every stored text that belongs to no document, which is what a killed ingest can leave:
/// texts are written before the commit that needs them. Gives the hashes that went.
Result<std::vector<std::string>> sweep_texts(const Context&, Shelf&);

}  // namespace slipway::rag::detail
