#include "documents/detail/block_list.hpp"

#include <algorithm>

namespace slipway::documents::detail {

void BlockList::add(SourceMap::BlockKind kind, std::size_t length, std::string_view text) {
  // Code may begin with spaces of its own; before it stand only line breaks.
  const char* const white = kind == SourceMap::BlockKind::code ? "\n" : "\n\t ";
  const std::size_t start = text.find_first_not_of(white, length);
  if (start != std::string_view::npos) blocks_.push_back({start, text.size(), kind});
}

std::vector<SourceMap::Block> BlockList::take() {
  // Elements end inside out, and those that end together were added inner first.
  std::reverse(blocks_.begin(), blocks_.end());
  std::stable_sort(blocks_.begin(), blocks_.end(), [](const auto& a, const auto& b) {
    return a.text_start != b.text_start ? a.text_start < b.text_start : a.text_end > b.text_end;
  });
  return std::move(blocks_);
}

void append_blocks(std::vector<SourceMap::Block>& blocks,
                   const std::vector<SourceMap::Block>& appended, Span shift_to_end) {
  for (SourceMap::Block block : appended) {
    block.text_start = std::min(block.text_start + shift_to_end.start, shift_to_end.end);
    block.text_end = std::min(block.text_end + shift_to_end.start, shift_to_end.end);
    blocks.push_back(block);
  }
}

}  // namespace slipway::documents::detail
