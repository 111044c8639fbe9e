// How signals become one number.
#pragma once

#include <string>
#include <vector>

#include "eval/detail/evidence_signals.hpp"

namespace slipway::eval::detail {

/// A signal by name, as the mix sees it.
struct NamedSignal {
  std::string_view name;
  double value = 0;
};
/// Always the same names in the same order; those of the embedder last, and only where they are.
std::vector<NamedSignal> named_signals(const Signals& signals);

/// 0..1: how probably people call it supported.
double support_of(const Signals& signals);
/// 0..1: signs that the passages say otherwise.
double contradiction_of(const Signals& signals);
/// 0..1: from the cosine of a question and a text, or from the share of its content words.
double relevance_of_cosine(double cosine);
double relevance_of_words(double share);

}  // namespace slipway::eval::detail
