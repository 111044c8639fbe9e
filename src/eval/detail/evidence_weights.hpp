// The weights of local evidence, and where they come from.
//
// A logistic mix whose signs are fixed: more overlap never lowers a support, a missing number never
// raises it. Fitted to the mean over an answer's sentences, with a prior (strength 30) that keeps
// runs of words, numbers, names and negations in force where the data have few of them. Data:
// BEGIN dev (1,229 replies judged by people: wow 430, topicalchat 383, cmu-dog 416), weight 1, and
// 3,749 claims made by rule of sentences of long documents (copied, cut, paraphrased, joined; with
// a number, a name, a negation or half a sentence changed; bench/eval/claims.py), weight 0.1, then
// the bias moved to where BEGIN fits best. With the embedder bge-small-en-v1.5-q.
// bench/eval/agreement.py fits them (--fit) and measures what they are worth.
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
inline constexpr std::array<Weight, 16> lexical_weights{{{"bias", -3.352},
                                                         {"unigrams", 1.528},
                                                         {"bigrams", 0.749},
                                                         {"trigrams_long", 0.814},
                                                         {"steps", 0.830},
                                                         {"run", 0.264},
                                                         {"content", 0.769},
                                                         {"window", 2.031},
                                                         {"numbers", -1.560},
                                                         {"names", -1.039},
                                                         {"loose", -1.599},
                                                         {"denies", -1.781},
                                                         {"splices", -0.442},
                                                         {"broken", -0.591},
                                                         {"speaker", -2.058},
                                                         {"asks", -2.114}}};
inline constexpr std::array<Weight, 18> cosine_weights{{{"bias", -3.987},
                                                        {"unigrams", 1.477},
                                                        {"bigrams", 0.640},
                                                        {"trigrams_long", 0.829},
                                                        {"steps", 0.730},
                                                        {"run", 0.222},
                                                        {"content", 0.691},
                                                        {"window", 1.979},
                                                        {"numbers", -1.561},
                                                        {"names", -1.039},
                                                        {"loose", -1.583},
                                                        {"denies", -1.774},
                                                        {"splices", -0.390},
                                                        {"broken", -0.668},
                                                        {"speaker", -2.052},
                                                        {"asks", -2.098},
                                                        {"meaning", 1.305},
                                                        {"meaning_low", 1.023}}};

/// What was measured beside people, cross-validated (ten folds, no source in two of them), with a
/// 95 % interval by bootstrap over sources.
inline constexpr std::string_view measured_agreement =
    "  AUC on BEGIN dev (people: fully attributable, or not), cross-validated by source:\n"
    "                           words alone           with embedder\n"
    "    all          n 1229    0.963 [0.952, 0.973]  0.964 [0.953, 0.973]\n"
    "    wow          n  430    0.955 [0.937, 0.970]  0.952 [0.933, 0.968]\n"
    "    topicalchat  n  383    0.948 [0.906, 0.975]  0.949 [0.911, 0.973]\n"
    "    cmu-dog      n  416    0.976 [0.963, 0.988]  0.980 [0.968, 0.990]\n"
    "  by quarter of the share of words that are in the passages: in the lowest nothing was\n"
    "  attributable; then 0.897, 0.868, 0.860 (words alone), 0.902, 0.865, 0.873 (with embedder)\n";

struct Line {
  double bias = 0, weight = 0;
};
/// Of 472 questions: the sentences that answer them against others of the same documents, both
/// classes weighing alike.
inline constexpr Line relevance_cosine{-11.575, 21.337};
inline constexpr Line relevance_words{-2.141, 16.923};

}  // namespace slipway::eval::detail
