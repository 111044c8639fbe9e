// The tokenizer of CLIP models: the same ids as Hugging Face's CLIPTokenizerFast gives, whatever
// the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "models/detail/added_tokens.hpp"
#include "models/detail/bert_text.hpp"
#include "models/detail/byte_pairs.hpp"

namespace slipway::models::detail {

/// Immutable, so safe to use from many threads. The file's truncation and padding are ignored: the
/// caller knows the model's limit.
class ClipTokenizer {
 public:
  struct Parts {
    BytePairs pairs;
    AddedTokens raw_tokens;         ///< Looked for in the text as it is.
    AddedTokens normalized_tokens;  ///< Looked for in the normalised text.
    bool has_literals = false;      ///< The pattern names the special tokens too.
    TokenId before = 0;             ///< <|startoftext|>
    TokenId after = 0;              ///< <|endoftext|>
    TokenId id_max = 0;
  };
  /// Fails: invalid_argument with the JSON path of what is wrong or what no CLIP tokenizer has.
  static Result<ClipTokenizer> parse(std::string_view tokenizer_json);
  /// From the two files of older models. Fails: invalid_argument.
  static Result<ClipTokenizer> parse(std::string_view vocab_json, std::string_view merges_txt);
  explicit ClipTokenizer(Parts parts) : parts_(std::move(parts)) {}

  /// Ids with the special tokens around them, cut to `tokens_max` in all (at least the special
  /// ones).
  std::vector<TokenId> encode(std::string_view text, std::size_t tokens_max) const;
  /// Tokens of the text alone, not cut.
  std::size_t count(std::string_view text) const;
  static constexpr std::size_t special_tokens() { return 2; }
  /// What models of a fixed length are filled up with.
  TokenId padding() const { return parts_.after; }
  /// The largest id that `encode` can give.
  TokenId id_max() const { return parts_.id_max; }

  /// Composed, in lower case, white space as single blanks. Always valid UTF-8.
  static std::string normalize(std::string_view text);

 private:
  class Run;
  Parts parts_;
};

}  // namespace slipway::models::detail
