// What BERT tokenizers do to text before words are looked up, with the Unicode tables of Hugging
// Face `tokenizers` rather than the system's: a vocabulary fits only the normalisation it was
// learned on.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

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

/// A stretch of normalized text and the source bytes that it came from.
struct NormalizedPart {
  std::size_t start = 0;  ///< In the normalized text; it ends where the next one starts.
  std::size_t source_start = 0;
  std::size_t source_end = 0;
};

/// Immutable, so safe to use from many threads.
class BertNormalizer {
 public:
  explicit BertNormalizer(BertNormalizerOptions options);

  /// Always valid UTF-8: an invalid byte counts as U+FFFD.
  void append(std::string_view text, std::string& out) const;
  /// The same, and where it came from: a part for each character with the marks behind it.
  void append_traced(std::string_view text, std::string& out,
                     std::vector<NormalizedPart>& parts) const;

 private:
  class Writer;
  void append_wide(char32_t c, Writer& writer) const;

  BertNormalizerOptions options_;
  /// What an ASCII byte becomes, and whether it stays.
  std::array<char, 128> ascii_{};
  std::array<bool, 128> keeps_{};
};

}  // namespace slipway::models::detail
