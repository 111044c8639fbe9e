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
#include "models/embedder.hpp"

namespace slipway::models::detail {

/// Immutable, so safe to use from many threads. The file's truncation and padding are ignored: the
/// caller knows the model's limit.
class WordPiece {
 public:
  /// A part of what two texts become: one of them, or a special token.
  struct PairPiece {
    enum class Kind { special, first, second } kind = Kind::special;
    TokenId id = 0;  ///< Of a special token.
    TokenId type = 0;
  };
  struct Pair {
    std::vector<TokenId> ids;
    std::vector<TokenId> types;  ///< token_type_ids
  };
  struct Parts {
    BertNormalizer normalizer;
    Vocabulary vocabulary;
    AddedTokens raw_tokens;            ///< Looked for in the text as it is.
    AddedTokens normalized_tokens;     ///< Looked for in the normalised text.
    std::size_t word_chars_max = 100;  ///< A longer word is unknown.
    TokenId unknown = 0;
    std::vector<TokenId> before;  ///< [CLS]
    std::vector<TokenId> after;   ///< [SEP]
    std::vector<PairPiece> pair;  ///< Empty: the file does not say how two texts go together.
    TokenId id_max = 0;
  };
  /// Fails: invalid_argument with the JSON path of what is wrong or what no BERT tokenizer has.
  static Result<WordPiece> parse(std::string_view tokenizer_json);
  explicit WordPiece(Parts parts) : parts_(std::move(parts)) {}

  /// Ids with the special tokens around them, cut to `tokens_max` in all (at least the special
  /// ones).
  std::vector<TokenId> encode(std::string_view text, std::size_t tokens_max) const;
  bool has_pairs() const { return !parts_.pair.empty(); }
  /// Two texts as one input, cut to `tokens_max` in all as the library's "longest_first" does: the
  /// longer one first, down to half. Only when `has_pairs`.
  Pair encode_pair(std::string_view first, std::string_view second, std::size_t tokens_max) const;
  /// Tokens of the text alone, not cut.
  std::size_t count(std::string_view text) const;
  /// The source bytes of each of these tokens, on code points. Tokens of one character have the
  /// same bytes.
  std::vector<TokenSpan> spans(std::string_view text) const;
  std::size_t special_tokens() const { return parts_.before.size() + parts_.after.size(); }
  /// Special tokens at the end of what `encode` gives.
  std::size_t tokens_after() const { return parts_.after.size(); }
  /// The largest id that `encode` can give.
  TokenId id_max() const { return parts_.id_max; }

 private:
  class Run;
  std::vector<TokenId> plain(std::string_view text) const;

  Parts parts_;
};

}  // namespace slipway::models::detail
