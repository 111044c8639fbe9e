// What local embedders share.
#pragma once

#include <functional>
#include <vector>

#include "core/context.hpp"
#include "models/detail/fair_workers.hpp"
#include "models/embedder.hpp"

namespace slipway::models::detail {

/// Makes it of unit length. Fails: internal (all zero, or not finite).
Result<void> normalize(Vector& vector);

/// The vector of one text; tells how many tokens were read.
using EmbedText = std::function<Result<Vector>(std::string_view text, std::size_t& tokens)>;

/// `embed` for each text by the workers: the longest first, because the last one
/// decides when all are done; equal ones once.
Result<std::vector<Vector>> embed_distinct(const Context& context,
                                           const std::vector<std::string_view>& texts,
                                           FairWorkers& workers, const EmbedText& embed,
                                           Usage* usage);

}  // namespace slipway::models::detail
