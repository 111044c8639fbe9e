// The BERT tokenizer of a Hugging Face tokenizer.json: the same ids as the `tokenizers` library
// gives, whatever the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "models/detail/added_tokens.hpp"
#include "models/detail/bert_text.hpp"
#include "models/detail/vocabulary.hpp"

namespace slipway::models::detail {

/// Immutable, so safe to use from many threads. The file's truncation and padding are ignored: the
/// caller knows the model's limit.
class WordPiece {
 public:
  struct Parts {
    BertNormalizer normalizer;
    Vocabulary vocabulary;
    AddedTokens raw_tokens;            ///< Looked for in the text as it is.
    AddedTokens normalized_tokens;     ///< Looked for in the normalised text.
    std::size_t word_chars_max = 100;  ///< A longer word is unknown.
    TokenId unknown = 0;
    std::vector<TokenId> before;  ///< [CLS]
    std::vector<TokenId> after;   ///< [SEP]
    TokenId id_max = 0;
  };
  /// Fails: invalid_argument with the JSON path of what is wrong or what no BERT tokenizer has.
  static Result<WordPiece> parse(std::string_view tokenizer_json);
  explicit WordPiece(Parts parts) : parts_(std::move(parts)) {}

  /// Ids with the special tokens around them, cut to `tokens_max` in all (at least the special
  /// ones).
  std::vector<TokenId> encode(std::string_view text, std::size_t tokens_max) const;
  /// Tokens of the text alone, not cut.
  std::size_t count(std::string_view text) const;
  std::size_t special_tokens() const { return parts_.before.size() + parts_.after.size(); }
  /// Special tokens at the end of what `encode` gives.
  std::size_t tokens_after() const { return parts_.after.size(); }
  /// The largest id that `encode` can give.
  TokenId id_max() const { return parts_.id_max; }

 private:
  class Run;

  Parts parts_;
};

}  // namespace slipway::models::detail
