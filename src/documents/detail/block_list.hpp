// Collects the tables, lists and code blocks of a text while it is written.
#pragma once

#include <string_view>
#include <vector>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

class BlockList {
 public:
  /// An element that began when the text was `length` bytes long, and ends with it now. What was
  /// set between it and the text before is left out; an element without text too.
  void add(SourceMap::BlockKind kind, std::size_t length, std::string_view text);
  /// Sorted, outer before inner.
  std::vector<SourceMap::Block> take();

 private:
  std::vector<SourceMap::Block> blocks_;
};

/// The blocks of a text that was appended to another one at `shift`, which now ends at `end`.
void append_blocks(std::vector<SourceMap::Block>& blocks,
                   const std::vector<SourceMap::Block>& appended, Span shift_to_end);

}  // namespace slipway::documents::detail
