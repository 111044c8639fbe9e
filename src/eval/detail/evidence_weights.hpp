// The weights of local evidence, and where they come from.
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
inline constexpr std::array<Weight, 6> lexical_weights{{{"bias", -6},
                                                        {"unigrams", 3},
                                                        {"trigrams", 1},
                                                        {"content", 2},
                                                        {"window", 3},
                                                        {"numbers", -1}}};
inline constexpr std::array<Weight, 7> cosine_weights{{{"bias", -8},
                                                       {"unigrams", 3},
                                                       {"trigrams", 1},
                                                       {"content", 2},
                                                       {"window", 3},
                                                       {"numbers", -1},
                                                       {"cosine", 3}}};
inline constexpr std::array<Weight, 7> token_weights{{{"bias", -8},
                                                      {"unigrams", 3},
                                                      {"trigrams", 1},
                                                      {"content", 2},
                                                      {"window", 3},
                                                      {"numbers", -1},
                                                      {"tokens", 3}}};

struct Line {
  double bias = 0, weight = 0;
};
inline constexpr Line relevance_cosine{-10.0, 15.0};
inline constexpr Line relevance_words{-2.0, 6.0};

}  // namespace slipway::eval::detail
