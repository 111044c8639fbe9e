// Windows of tokens.
#pragma once

#include <string_view>
#include <vector>

#include "documents/detail/merging.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// LangChain's `split_text_on_tokens`: windows of chunk_size tokens that start chunk_size -
/// chunk_overlap apart, the last one where a window reaches the end. `tokens` are byte ranges of
/// `text` in order; equal ones are a unit, which only a window that it fills alone may cut. Linear
/// in the tokens.
/// Fails: invalid_argument when the tokens are not in order or beyond the text.
Result<void> split_by_tokens(std::string_view text, const std::vector<Span>& tokens,
                             const SplitterSettings& settings, Output& output);

}  // namespace slipway::documents::detail
