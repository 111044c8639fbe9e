// Splits where the meaning changes.
#pragma once

#include <string_view>
#include <vector>

#include "documents/detail/merging.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

/// The indices of `distances` behind which a chunk ends, by the rule of `settings`. There are at
/// least two distances for `gradient`, else one.
std::vector<std::size_t> find_breakpoints(const std::vector<double>& distances,
                                          const SplitterSettings& settings);

/// LangChain's SemanticChunker. Fails as `input.embed` does.
Result<void> split_by_meaning(std::string_view text, const SplitterSettings& settings,
                              const SplitInput& input, const Measure& measure, Output& output);

}  // namespace slipway::documents::detail
