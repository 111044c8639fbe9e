// LangChain's HTMLSemanticPreservingSplitter.
#pragma once

#include <string_view>

#include "documents/detail/merging.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// Kind html_semantic: sections by headings, cut where LangChain cuts their text with white space
/// folded. A preserved element counts with its whole length and is never cut. Fails: as `split`.
Result<void> split_around_elements(std::string_view text, const SplitterSettings& settings,
                                   const SplitInput& input, Output& output);

}  // namespace slipway::documents::detail
