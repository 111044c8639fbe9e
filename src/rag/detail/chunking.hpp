// The chunks of a document by its collection's splitter, with what the splitter asks for: the
// embedder's tokenizer and vectors, the headings of the loader.
#pragma once

#include <string>
#include <vector>

#include "core/context.hpp"
#include "documents/splitters.hpp"
#include "models/embedder.hpp"

namespace slipway::rag::detail {

/// Adds what embedding of sentences (kind semantic) consumes to `usage`. `path` is the document's,
/// for its ending. Fails: invalid_argument (the splitter), and as the embedder.
Result<std::vector<documents::Span>> chunk_document(
    const Context& context, const documents::Document& document, const std::string& path,
    const documents::SplitterSettings& settings, models::Embedder& embedder, models::Usage& usage);

/// Fails: invalid_argument when chunks of `settings` would be longer than the embedder reads.
Result<void> check_fits(const documents::SplitterSettings& settings,
                        const models::Embedder& embedder);

}  // namespace slipway::rag::detail
