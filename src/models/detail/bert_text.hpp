// What BERT tokenizers do to text before words are looked up, with the Unicode tables of Hugging
// Face `tokenizers` rather than the system's: a vocabulary fits only the normalisation it was
// learned on.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace slipway::models::detail {

enum class BertClass : unsigned char { word, space, punctuation };

/// Where the pre-tokenizer splits: spaces vanish, each punctuation mark stands alone.
BertClass bert_class(char32_t c);
/// \w of Rust regular expressions.
bool is_word_character(char32_t c);
/// Unicode White_Space.
bool is_white_space(char32_t c);

struct BertNormalizerOptions {
  bool clean_text = true;            ///< Drop control characters, make white space a blank.
  bool handle_chinese_chars = true;  ///< Blanks around ideographs.
  bool strip_accents = true;         ///< Canonical decomposition without nonspacing marks.
  bool lowercase = true;
};

/// Immutable, so safe to use from many threads.
class BertNormalizer {
 public:
  explicit BertNormalizer(BertNormalizerOptions options);

  /// Always valid UTF-8: an invalid byte counts as U+FFFD.
  void append(std::string_view text, std::string& out) const;

 private:
  class Writer;
  void append_wide(char32_t c, Writer& writer) const;

  BertNormalizerOptions options_;
  /// What an ASCII byte becomes, and whether it stays.
  std::array<char, 128> ascii_{};
  std::array<bool, 128> keeps_{};
};

}  // namespace slipway::models::detail
