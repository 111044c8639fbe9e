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
  /// Items, rows or nothing (then separators decide); they cover the span, and may have parts
  /// themselves. The first holds what leads in: a heading, "as follows:", the header of a table.
  std::vector<StructureBlock> parts;
  bool is_row = false;      ///< Of a table: cut between lines and cells before anything else.
  bool is_heading = false;  ///< Stays with the first words of the prose behind it.
  bool is_prose = false;    ///< A paragraph: may be cut anywhere between words.
};

/// Where a reader of structure looks.
struct StructureInput {
  std::string_view text;
  std::vector<Span> sections;
  std::vector<Span> headings;  ///< Their lines, in order.
  /// What the loader knows; when empty, lines of the text tell what is a table, a list or code.
  const std::vector<SourceMap::Block>& blocks;
};

/// The blocks of every section in turn; none crosses a section. Linear.
std::vector<std::vector<StructureBlock>> find_structure(const StructureInput& input);

/// The outermost tables, lists and code blocks of a text, as its lines tell. Linear.
std::vector<SourceMap::Block> find_text_blocks(std::string_view text);

/// What of each section may stand in chunks: without the lines of headings, if they are stripped;
/// else a heading without a text of its own begins the first section below it.
std::vector<Span> chunked_spans(std::string_view text, const std::vector<Section>& sections,
                                bool strip_headings);

/// Kinds markdown and html.
Result<void> split_by_structure(std::string_view text, const SplitterSettings& settings,
                                const SourceMap* map, const Measure& measure, Output& output);

}  // namespace slipway::documents::detail
