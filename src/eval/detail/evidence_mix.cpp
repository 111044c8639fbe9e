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
  std::vector<NamedSignal> named{{"unigrams", s.unigrams},       {"bigrams", s.bigrams},
                                 {"trigrams", s.trigrams},       {"run", s.run},
                                 {"content", s.content},         {"window", s.window},
                                 {"windows", s.windows},         {"pairs", s.pairs},
                                 {"numbers", s.numbers},         {"names", s.names},
                                 {"numbers_far", s.numbers_far}, {"names_far", s.names_far},
                                 {"denies", s.denies},           {"affirms", s.affirms},
                                 {"speaker", s.speaker},         {"asks", s.asks}};
  if (s.cosine) named.push_back({"cosine", *s.cosine});
  if (s.tokens) named.push_back({"tokens", *s.tokens});
  return named;
}

double support_of(const Signals& signals) {
  const std::span<const Weight> weights = signals.tokens ? std::span<const Weight>(token_weights)
                                          : signals.cosine
                                              ? std::span<const Weight>(cosine_weights)
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
