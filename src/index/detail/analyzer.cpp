// From text to words.
//
// A word is a run of letters, marks and digits. Inside of it stay: an apostrophe between letters,
// '.' and ',' between digits (3.14, 1.2.3, 10.0.0.1), and the joiners '_' and '.' between letters
// (max_connections, node.js): such a name is indexed whole and in its parts, so both a search for
// the name and one for "connections" find it. A comma that groups thousands is dropped: 1,000 is
// 1000. Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) become pairs
// of neighbouring characters, as in Lucene's CJKBigramFilter: no dictionary, and every word of two
// characters is found.
//
// English: fold, Lucene's stop words, Snowball. Other languages: Snowball wants the accents, so the
// stem comes before folding.
#include "index/detail/analyzer.hpp"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "core/unicode.hpp"
#include "index/index.hpp"

namespace slipway::index {

namespace {

// Lucene's EnglishAnalyzer. Question words on top of it were measured to change nothing beyond
// noise (docs/decisions/0008-lexical.md). Sorted.
constexpr std::array<std::string_view, 33> stop_words{
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
static_assert(std::is_sorted(stop_words.begin(), stop_words.end()));

// Longer ones are not words but base64 and the like; a long head is as good to find them.
constexpr std::size_t word_bytes_max = 128;

using Stemmer = std::unique_ptr<sb_stemmer, decltype(&sb_stemmer_delete)>;

/// The stemmer of this thread, null for "none" and for languages that Snowball does not know.
sb_stemmer* stemmer_of(std::string_view language) {
  thread_local std::map<std::string, Stemmer, std::less<>> stemmers;
  if (language == "none") return nullptr;
  auto found = stemmers.find(language);
  if (found == stemmers.end()) {
    std::string name(language);
    Stemmer made(sb_stemmer_new(name.c_str(), "UTF_8"), &sb_stemmer_delete);
    found = stemmers.emplace(std::move(name), std::move(made)).first;
  }
  return found->second.get();
}

/// Letters of scripts that put no spaces between words.
bool is_unspaced(char32_t c) {
  if (c < 0x0E00) return false;
  return unicode::is_cjk(c) ||
         ((c <= 0x0EFF || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF)) &&
          unicode::is_letter(c));
}

bool is_apostrophe(char32_t c) { return c == '\'' || c == 0x2019 || c == 0xFF07; }

/// Marks that change the word in the scripts of India and South-East Asia; accents do not.
bool is_vowel_sign(char32_t c) {
  return c >= 0x900 && unicode::is_mark(c) && !(c >= 0x1AB0 && c <= 0x1AFF) &&
         !(c >= 0x1DC0 && c <= 0x1DFF) && !(c >= 0x20D0 && c <= 0x20FF) &&
         !(c >= 0xFE20 && c <= 0xFE2F);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

std::string fold_word(std::string_view word) {
  if (is_ascii(word)) return unicode::to_lower(word);
  for (std::size_t at = 0; at < word.size();) {
    const auto decoded = unicode::decode(word, at);
    if (is_vowel_sign(decoded.code_point)) return unicode::to_lower(unicode::nfc(word));
    at += decoded.bytes;
  }
  return unicode::fold(word);
}

class Tokenizer {
 public:
  Tokenizer(std::string_view text, std::string_view language)
      : text_(text), stemmer_(stemmer_of(language)), is_english_(language == "english") {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const auto next = unicode::decode(text_, at_);
      if (is_unspaced(next.code_point))
        read_unspaced();
      else if (unicode::is_letter(next.code_point) || unicode::is_digit(next.code_point))
        read_word();
      else
        at_ += next.bytes;
    }
    return std::move(tokens_);
  }

 private:
  enum class Kind { letter, digit, mark, invisible, apostrophe, joiner, separator };

  Kind kind_of(char32_t c) const {
    if (is_unspaced(c)) return Kind::separator;
    if (unicode::is_letter(c)) return Kind::letter;
    if (unicode::is_digit(c)) return Kind::digit;
    if (unicode::is_mark(c)) return Kind::mark;
    if (unicode::is_invisible(c)) return Kind::invisible;
    if (is_apostrophe(c)) return Kind::apostrophe;
    return c == '_' || c == '.' || c == ',' ? Kind::joiner : Kind::separator;
  }

  /// The kind of the character at `at`, a separator at the end.
  Kind kind_at(std::size_t at) const {
    return at < text_.size() ? kind_of(unicode::decode(text_, at).code_point) : Kind::separator;
  }

  void read_word() {
    std::string part;
    std::string whole;
    std::vector<std::string> parts;
    Kind last = Kind::separator;  // Of the last letter or digit.
    while (at_ < text_.size()) {
      const auto next = unicode::decode(text_, at_);
      const Kind kind = kind_of(next.code_point);
      const Kind after = kind_at(at_ + next.bytes);
      const bool between_letters = last == Kind::letter && after == Kind::letter;
      const bool between_digits = last == Kind::digit && after == Kind::digit;
      if (kind == Kind::letter || kind == Kind::digit || kind == Kind::mark) {
        part.append(text_, at_, next.bytes);
        if (kind != Kind::mark) last = kind;
      } else if (kind == Kind::apostrophe && between_letters) {
        part += '\'';
      } else if ((next.code_point == '.' || next.code_point == ',') && between_digits) {
        part += text_[at_];
      } else if ((next.code_point == '.' && between_letters) ||
                 (next.code_point == '_' && (after == Kind::letter || after == Kind::digit))) {
        whole += part;
        whole += text_[at_];
        parts.push_back(std::exchange(part, {}));
      } else if (kind != Kind::invisible) {
        break;
      }
      at_ += next.bytes;
    }
    finish_word(std::move(parts), std::move(part), std::move(whole));
  }

  void finish_word(std::vector<std::string> parts, std::string part, std::string whole) {
    if (parts.empty()) return add_word(part);
    whole += part;
    parts.push_back(std::move(part));
    for (const std::string& one : parts) add_word(one);
    add(fold_word(whole), true);
  }

  void add_word(std::string_view raw) {
    std::string word = fold_word(raw);
    ++position_;
    if (is_english_ && std::binary_search(stop_words.begin(), stop_words.end(), word)) return;
    if (word.find(',') != std::string::npos) drop_thousands(word);
    if (stemmer_ != nullptr &&
        std::none_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; }))
      word = stem(raw, std::move(word));
    std::erase(word, '\'');
    add(std::move(word), false);
  }

  std::string stem(std::string_view raw, std::string folded) {
    // A stem of something endless takes endless time, and is no use.
    if (folded.size() > word_bytes_max) return folded;
    if (!is_english_ && !is_ascii(raw)) folded = unicode::to_lower(unicode::nfc(raw));
    const sb_symbol* stemmed =
        sb_stemmer_stem(stemmer_, reinterpret_cast<const sb_symbol*>(folded.data()),
                        static_cast<int>(folded.size()));
    if (stemmed == nullptr) return folded;
    const std::string_view result(reinterpret_cast<const char*>(stemmed),
                                  static_cast<std::size_t>(sb_stemmer_length(stemmer_)));
    return is_english_ || is_ascii(result) ? std::string(result) : fold_word(result);
  }

  /// 1,000,000 becomes 1000000; 3,14 and 1,2,3 stay.
  static void drop_thousands(std::string& word) {
    std::size_t group = word.find(',');
    if (group == 0 || group > 3 || word.find_first_not_of("0123456789,") != std::string::npos)
      return;
    for (; group < word.size(); group += 4)
      if (word[group] != ',' || word.size() - group < 4 || word.find(',', group + 1) < group + 4)
        return;
    std::erase(word, ',');
  }

  void read_unspaced() {
    std::vector<std::string> characters;  // With their marks.
    while (at_ < text_.size()) {
      const auto next = unicode::decode(text_, at_);
      const bool is_mark = unicode::is_mark(next.code_point) && !characters.empty();
      if (!is_mark && !is_unspaced(next.code_point)) break;
      if (is_mark)
        characters.back().append(text_, at_, next.bytes);
      else
        characters.emplace_back(text_.substr(at_, next.bytes));
      at_ += next.bytes;
    }
    if (characters.size() == 1) {
      ++position_;
      add(unicode::nfc(characters.front()), false);
    }
    for (std::size_t i = 0; i + 1 < characters.size(); ++i) {
      ++position_;
      add(unicode::nfc(characters[i] + characters[i + 1]), false);
    }
  }

  void add(std::string word, bool is_extra) {
    if (word.size() > word_bytes_max) word.resize(unicode::floor_boundary(word, word_bytes_max));
    if (!word.empty()) tokens_.push_back({std::move(word), is_extra, position_});
  }

  const std::string_view text_;
  sb_stemmer* const stemmer_;
  const bool is_english_;
  std::size_t at_ = 0;
  std::uint32_t position_ = 0;  ///< Of the last word.
  std::vector<Token> tokens_;
};

}  // namespace

Result<void> check_language(std::string_view language) {
  if (language == "none") return {};
  std::string list;
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) {
    if (language == *name) return {};
    list += fmt::format("{}, ", *name);
  }
  return fail(Code::invalid_argument, "language '{}' is not known; expected one of: {}none",
              language, list);
}

std::vector<Token> tokenize(std::string_view text, std::string_view language) {
  return Tokenizer(text, language).run();
}

std::vector<std::string> analyze(std::string_view text, std::string_view language) {
  std::vector<std::string> words;
  for (Token& token : tokenize(text, language)) words.push_back(std::move(token.word));
  return words;
}

}  // namespace slipway::index
