#include "eval/detail/evidence_mix.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "eval/detail/evidence_weights.hpp"

namespace slipway::eval::detail {

namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

std::vector<NamedSignal> named_signals(const Signals& s) {
  // Chance words match in long passages, chance runs do not: there trigrams count in full. What
  // shares few words may still mean the same.
  constexpr double long_sentences = 32;
  const double length = std::clamp(
      std::log2(std::max(1.0, s.source_sentences)) / std::log2(long_sentences), 0.0, 1.0);
  std::vector<NamedSignal> named{
      {"unigrams", s.unigrams}, {"bigrams", s.bigrams}, {"trigrams_long", s.trigrams * length},
      {"steps", s.steps},       {"run", s.run},         {"content", s.content},
      {"window", s.window},     {"numbers", s.numbers}, {"names", s.names},
      {"loose", s.loose},       {"denies", s.denies},   {"splices", s.splices},
      {"broken", s.broken},     {"speaker", s.speaker}, {"asks", s.asks}};
  if (!s.cosine) return named;
  // Unrelated English sentences stand at about 0.5 of each other, paraphrases above 0.85.
  const double meaning = std::clamp((*s.cosine - 0.5) / 0.4, 0.0, 1.0);
  named.push_back({"meaning", meaning});
  named.push_back({"meaning_low", meaning * (1 - s.unigrams)});
  return named;
}

double support_of(const Signals& signals) {
  const std::span<const Weight> weights = signals.cosine ? std::span<const Weight>(cosine_weights)
                                                         : std::span<const Weight>(lexical_weights);
  double sum = weights.front().value;
  std::size_t next = 1;
  for (const NamedSignal& signal : named_signals(signals))
    if (next < weights.size() && weights[next].name == signal.name)
      sum += weights[next++].value * signal.value;
  return signals.words == 0 ? 0 : logistic(sum);
}

double contradiction_of(const Signals& s) {
  // Where little of the claim is spoken of, nothing can be contradicted.
  const double touched = std::clamp((s.window - 0.25) / 0.5, 0.0, 1.0);
  const double number = 0.9 * s.numbers * s.other_number;
  const double name = 0.7 * s.names * s.other_name;
  const double negation = 0.8 * s.denies + 0.6 * s.affirms;
  return touched * (1 - (1 - number) * (1 - name) * (1 - negation));
}

double relevance_of_cosine(double cosine) {
  return logistic(relevance_cosine.bias + relevance_cosine.weight * cosine);
}

double relevance_of_words(double share) {
  return logistic(relevance_words.bias + relevance_words.weight * share);
}

}  // namespace slipway::eval::detail
