// Words as the lexical index sees them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::index {

struct Token {
  std::string word;
  /// The whole of a name whose parts are indexed too (max_connections): it can be found, but does
  /// not make the text longer for BM25.
  bool is_extra = false;
  /// Number of the word in the text, stop words counted; rising.
  std::uint32_t position = 0;
};

/// In the order of the text. An unknown language is treated as "none".
std::vector<Token> tokenize(std::string_view text, std::string_view language);

}  // namespace slipway::index
