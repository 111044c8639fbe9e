// What an embedding model says of claims and the passages that shall carry them.
#pragma once

#include "core/context.hpp"
#include "eval/detail/embedded_texts.hpp"
#include "eval/detail/evidence_signals.hpp"

namespace slipway::eval::detail {

struct EmbeddedClaim {
  std::string_view text;
  Compared* compared = nullptr;  ///< Gets `cosine`.
};

/// All of few sentences are read; of many those of the windows that share most with a claim, and
/// the first of each passage. Passages must be those of `source`. Fails: as embedders do.
Result<void> add_meaning(const Context& context, EmbeddedTexts& embedded,
                         const std::vector<std::string>& passages, const Source& source,
                         std::vector<EmbeddedClaim> claims);

double cosine(const models::Vector& a, const models::Vector& b);

}  // namespace slipway::eval::detail
