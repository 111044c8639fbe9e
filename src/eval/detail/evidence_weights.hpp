// The weights of local evidence, and where they come from.
//
// A logistic mix whose signs are fixed: more overlap never lowers a support, a missing number never
// raises it. Fitted to the mean over an answer's sentences, with a prior (strength 30) that keeps
// runs of words, numbers, names and negations in force where the data have few of them. Data:
// BEGIN dev (1,229 replies judged by people: wow 430, topicalchat 383, cmu-dog 416), weight 1, and
// 3,831 claims made by rule of sentences of long documents (copied, cut, paraphrased, joined; with
// a number, a name, a negation or half a sentence changed), weight 0.1. With the embedder
// bge-small-en-v1.5-q. bench/eval/agreement.py measures what the weights are worth.
#pragma once

#include <array>
#include <string_view>

namespace slipway::eval::detail {

struct Weight {
  std::string_view name;
  double value = 0;
};

inline constexpr std::string_view weights_version = "1";

/// The bias first, then signals in the order of `named_signals`.
inline constexpr std::array<Weight, 16> lexical_weights{{{"bias", -3.798},
                                                         {"unigrams", 1.524},
                                                         {"bigrams", 0.733},
                                                         {"trigrams_long", 0.769},
                                                         {"steps", 0.821},
                                                         {"run", 0.240},
                                                         {"content", 0.764},
                                                         {"window", 2.016},
                                                         {"numbers", -1.568},
                                                         {"names", -1.043},
                                                         {"loose", -1.617},
                                                         {"denies", -1.813},
                                                         {"splices", -0.481},
                                                         {"broken", -0.513},
                                                         {"speaker", -2.060},
                                                         {"asks", -2.112}}};
inline constexpr std::array<Weight, 18> cosine_weights{{{"bias", -4.430},
                                                        {"unigrams", 1.472},
                                                        {"bigrams", 0.619},
                                                        {"trigrams_long", 0.744},
                                                        {"steps", 0.715},
                                                        {"run", 0.182},
                                                        {"content", 0.684},
                                                        {"window", 1.923},
                                                        {"numbers", -1.559},
                                                        {"names", -1.049},
                                                        {"loose", -1.612},
                                                        {"denies", -1.838},
                                                        {"splices", -0.428},
                                                        {"broken", -0.623},
                                                        {"speaker", -2.053},
                                                        {"asks", -2.096},
                                                        {"meaning", 1.272},
                                                        {"meaning_low", 1.027}}};

/// What was measured beside people, cross-validated (ten folds, no source in two of them), with a
/// 95 % interval by bootstrap over sources.
inline constexpr std::string_view measured_agreement =
    "  AUC on BEGIN dev (people: fully attributable, or not), cross-validated by source:\n"
    "                 all, n 1229           wow, n 430  topicalchat, n 383  cmu-dog, n 416\n"
    "  words alone    0.961 [0.949, 0.972]  0.951       0.945               0.975\n"
    "  with embedder  0.962 [0.951, 0.972]  0.948       0.947               0.980\n"
    "  by quantile of the share of words that are in the passages, words alone / with embedder:\n"
    "  lowest quarter: nothing attributable; then 0.898 / 0.902, 0.864 / 0.861, 0.856 / 0.871\n";

struct Line {
  double bias = 0, weight = 0;
};
/// Of 472 questions: the sentences that answer them against others of the same documents, both
/// classes weighing alike.
inline constexpr Line relevance_cosine{-11.575, 21.337};
inline constexpr Line relevance_words{-2.141, 16.923};

}  // namespace slipway::eval::detail
