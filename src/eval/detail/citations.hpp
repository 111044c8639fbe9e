// Which sentence of an output cites what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/detail/case.hpp"

namespace slipway::eval {

/// From where on local evidence counts as support where a yes or no is needed.
inline constexpr double default_supported_from = 0.5;

struct CitingSentence {
  std::string text;
  std::size_t start = 0, end = 0;  ///< Bytes of the output.
  std::vector<int> citations;      ///< "[2]" is 2; each once, in their order.
};

/// Sentences as `documents::split_sentences` finds them. Marks after the full stop belong to the
/// sentence before; a piece without words and marks is no sentence.
std::vector<CitingSentence> citing_sentences(std::string_view output);

/// The same formulas by local evidence: entailed where the support of the cited passages is at
/// least `supported_from`.
Result<Score> local_citation_recall(Case& at);
Result<Score> local_citation_precision(Case& at);

}  // namespace slipway::eval
