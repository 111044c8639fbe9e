// Byte-level byte pair encoding: a word becomes the tokens into which its bytes merge.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "models/detail/vocabulary.hpp"

namespace slipway::models::detail {

/// Equal to the model "BPE" of Hugging Face `tokenizers`, for vocabularies over its byte-level
/// alphabet. Immutable once made, so safe to use from many threads.
class BytePairs {
 public:
  /// Pairs of tokens, the first to be merged first.
  using Merges = std::vector<std::pair<std::string, std::string>>;
  struct Options {
    std::function<TokenId(std::string_view)> find;  ///< -1: not in the vocabulary. Not kept.
    std::string end_of_word;                        ///< "</w>": the last byte of a word has it.
    TokenId unknown = -1;  ///< For bytes that the vocabulary lacks; -1: they are left out.
  };
  /// Fails: invalid_argument (a merge of or to what is not in the vocabulary).
  static Result<BytePairs> make(const Options& options, const Merges& merges);

  /// Time n log n. `word` may be any bytes.
  void append(std::string_view word, std::vector<TokenId>& ids) const;

 private:
  struct Merge {
    std::uint32_t rank = 0;
    TokenId id = 0;
  };
  static std::uint64_t key_of(TokenId first, TokenId second) {
    return static_cast<std::uint64_t>(first) << 32 | static_cast<std::uint64_t>(second);
  }
  class Word;

  std::array<TokenId, 256> inside_{};
  std::array<TokenId, 256> last_{};
  std::unordered_map<std::uint64_t, Merge> merges_;
};

/// The visible character that stands for a byte in the vocabulary, as UTF-8.
std::string byte_character(unsigned char byte);

}  // namespace slipway::models::detail
