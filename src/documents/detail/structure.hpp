// Splits by headings, then by the blocks between them.
#pragma once

#include <string_view>
#include <vector>

#include "documents/detail/merging.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// A block that stays whole when it fits, and where it may be cut when it does not.
struct StructureBlock {
  Span span;  ///< Up to the next block, so blocks cover the section.
  /// Items, rows or nothing (then separators decide); they cover the span. The first holds what
  /// leads in: a heading, "as follows:", the header of a table.
  std::vector<Span> parts;
};

/// The blocks of every section in turn; none crosses a section. Linear.
std::vector<std::vector<StructureBlock>> find_structure(std::string_view text,
                                                        const std::vector<Span>& sections);

/// Kinds markdown and html.
Result<void> split_by_structure(std::string_view text, const SplitterSettings& settings,
                                const SourceMap* map, const Measure& measure, Output& output);

}  // namespace slipway::documents::detail
