// Tokens such as "[SEP]" that are recognised in the text itself, by the rules of Hugging Face
// `tokenizers`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/detail/vocabulary.hpp"

namespace slipway::models::detail {

struct AddedToken {
  std::string content;
  TokenId id = 0;
  bool single_word = false;  ///< Only where no word character touches it.
  bool lstrip = false;       ///< Takes the white space before it.
  bool rstrip = false;       ///< Takes the white space after it.
};

/// A part of a text: an added token, or what stands between two.
struct Part {
  std::string_view text;
  std::optional<TokenId> id;
};

/// Immutable, so safe to use from many threads.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }
  /// In order; the views point into `text`.
  std::vector<Part> split(std::string_view text) const;

 private:
  const AddedToken* match(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;  ///< Sorted by first byte, the longest of each first.
  /// Tokens that start with a byte: [begins_[b], begins_[b + 1]).
  std::array<std::uint32_t, 257> begins_{};
};

}  // namespace slipway::models::detail
