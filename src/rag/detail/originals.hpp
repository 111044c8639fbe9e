// What people look at when they follow a citation: the source's own bytes, and its pages.
#pragma once

#include "rag/detail/shelf.hpp"
#include "rag/detail/texts.hpp"

namespace slipway::rag::detail {

/// Fails: not_found.
Result<std::string> original_of(Shelf& shelf, const DocumentRow& document);

/// Fails: not_found (no such page, or none at all).
Result<PageLayout> layout_of(const DocumentInfo& info, const StoredText& text, int page);

}  // namespace slipway::rag::detail
