// Splits JSON by its nesting.
#pragma once

#include <string_view>
#include <vector>

#include "documents/detail/json_tree.hpp"
#include "documents/detail/merging.hpp"
#include "documents/splitters.hpp"

namespace slipway::documents::detail {

struct JsonChunk {
  Span span;
  std::size_t members = 0;
  Span leaf;  ///< The last member, if its nesting cannot cut it; else empty.
};
/// The chunks by nesting alone, also those that a single long value makes too long. `nodes` are of
/// `text` and not empty. Linear.
std::vector<JsonChunk> find_json_chunks(std::string_view text, const std::vector<JsonNode>& nodes,
                                        const SplitterSettings& settings);

/// LangChain's RecursiveJsonSplitter: members fill a chunk as long as it would be shorter than
/// chunk_size when written with its path, else their own members do. What is no JSON is cut as kind
/// `recursive` does.
Result<void> split_json(std::string_view text, const SplitterSettings& settings,
                        const Measure& measure, Output& output);

}  // namespace slipway::documents::detail
