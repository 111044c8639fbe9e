// The rules of UAX 29 for sentences (a terminator, then closing marks, then white space; no end
// before a small letter) with what they leave out: abbreviations, initials, numbering, and
// technical names that begin in small letters. Abbreviations come in three kinds: those that never
// end a sentence (Mr.), those that stand before a number (No. 5), and those that may end one
// (etc.), where only a typical first word decides. There is no learned model: the rules are the
// same everywhere and a wrong cut can be explained.
#include "documents/detail/sentence_rules.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::string_view never_final[] = {
    "adj",   "al",   "approx", "assoc",  "bzw",  "ca",  "capt", "cf",  "cmdr", "col",
    "d.h",   "dept", "dipl",   "dr",     "e.g",  "eg",  "ed",   "eds", "esp",  "est",
    "evtl",  "excl", "gen",    "ggf",    "gov",  "hon", "i.e",  "ie",  "incl", "lt",
    "m.a.w", "maj",  "max",    "messrs", "mlle", "mme", "mr",   "mrs", "ms",   "mt",
    "o.g",   "p.ex", "pres",   "prof",   "resp", "rev", "sen",  "sgt", "sog",  "sra",
    "st",    "u.a",  "v",      "vgl",    "viz",  "vs",  "z.b"};
constexpr std::string_view before_numbers[] = {
    "apr",  "art",  "aug", "bd",  "ch",  "chap", "dec", "eq",   "eqs", "feb", "fig",
    "figs", "jan",  "jul", "jun", "mar", "no",   "nos", "nov",  "nr",  "oct", "op",
    "p",    "para", "pp",  "s",   "sec", "sect", "sep", "sept", "tab", "vol", "vols"};
constexpr std::string_view perhaps_final[] = {"a.m", "bros", "co",   "corp", "dist", "esq",
                                              "etc", "hrs",  "inc",  "jr",   "llc",  "ltd",
                                              "min", "p.m",  "ph.d", "sec",  "sr",   "usw"};
constexpr std::string_view first_words[] = {
    "a",     "after",   "all",     "also",      "although", "an",   "and",   "another", "as",
    "at",    "because", "before",  "both",      "but",      "by",   "do",    "each",    "every",
    "for",   "from",    "he",      "her",       "here",     "his",  "how",   "however", "i",
    "if",    "in",      "instead", "is",        "it",       "its",  "many",  "most",    "my",
    "no",    "not",     "now",     "on",        "once",     "one",  "only",  "or",      "other",
    "our",   "see",     "she",     "since",     "so",       "some", "such",  "that",    "the",
    "their", "then",    "there",   "therefore", "these",    "they", "this",  "those",   "thus",
    "to",    "unlike",  "use",     "we",        "what",     "when", "where", "which",   "while",
    "who",   "why",     "with",    "you",       "your"};

constexpr std::string_view labels[] = {"appendix", "chapter", "example", "figure", "part",
                                       "rule",     "section", "step",    "table"};

template <std::size_t N>
bool is_in(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

/// Ends a sentence only before white space.
bool is_narrow_terminator(char32_t c) {
  switch (c) {
    case '.':
    case '!':
    case '?':
    case 0x2026:  // …
    case 0x203C:  // ‼
    case 0x203D:  // ‽
    case 0x2047:  // ⁇
    case 0x2048:  // ⁈
    case 0x2049:  // ⁉
    case 0x061F:  // ؟
    case 0x06D4:  // ۔
    case 0x0589:  // ։
    case 0x1362:  // ።
    case 0x1367:  // ፧
      return true;
    default: return false;
  }
}

/// Ends a sentence whatever follows: scripts that put no space there.
bool is_wide_terminator(char32_t c) {
  switch (c) {
    case 0x3002:  // 。
    case 0xFF0E:  // ．
    case 0xFF01:  // ！
    case 0xFF1F:  // ？
    case 0xFF61:  // ｡
    case 0x0964:  // ।
    case 0x0965:  // ॥
    case 0x104A:  // ၊
    case 0x104B:  // ။
    case 0x17D4:  // ។
      return true;
    default: return false;
  }
}

bool is_terminator(char32_t c) { return is_narrow_terminator(c) || is_wide_terminator(c); }

/// Directly behind a terminator also those that open elsewhere close: „so.“
bool is_closer(char32_t c) {
  return std::u32string_view(U"\"')]}*_`‘’“”«»‹›」』）】》〉〕］｝").find(c) !=
         std::u32string_view::npos;
}

std::string_view::size_type next(std::string_view text, std::size_t at) {
  return at + unicode::decode(text, at).bytes;
}
char32_t character(std::string_view text, std::size_t at) {
  return at < text.size() ? unicode::decode(text, at).code_point : 0;
}

/// "[3]", "[^note]": a reference glued to the end belongs to the sentence.
std::size_t skip_reference(std::string_view text, std::size_t at) {
  constexpr std::size_t reference_bytes_max = 12;
  if (at >= text.size() || text[at] != '[') return at;
  const std::size_t close =
      text.substr(0, std::min(text.size(), at + reference_bytes_max)).find(']', at);
  if (close == std::string_view::npos) return at;
  const bool is_note = text[at + 1] == '^' || (text[at + 1] >= '0' && text[at + 1] <= '9');
  return is_note ? close + 1 : at;
}

/// Behind the closing marks and references at `at`.
std::size_t skip_closers(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (is_closer(character(text, at))) {
      at = next(text, at);
      continue;
    }
    const std::size_t behind = skip_reference(text, at);
    if (behind == at) break;
    at = behind;
  }
  return at;
}

struct Word {
  std::size_t start = 0;
  std::string small;  ///< In small letters.
};

/// The word that ends before `at`. Long ones are no abbreviations: empty.
Word word_before(std::string_view text, std::size_t from, std::size_t at) {
  constexpr int characters_max = 12;
  std::size_t start = at;
  for (int count = 0; start > from; ++count) {
    const std::size_t before = unicode::floor_boundary(text, start - 1);
    const char32_t c = character(text, before);
    if (unicode::is_space(c) || is_opener(c) || c == '/' || c == '|' || c == 0x2014) break;
    if (count == characters_max) return {at, ""};
    start = before;
  }
  return {start, unicode::to_lower(text.substr(start, at - start))};
}

/// One letter, or letters with full stops between: "j", "u.s", "ph.d" is not one.
bool is_initials(std::string_view word) {
  bool expects_letter = true;
  for (std::size_t at = 0; at < word.size(); at = next(word, at)) {
    const char32_t c = character(word, at);
    if (expects_letter ? !unicode::is_letter(c) : c != '.') return false;
    expects_letter = !expects_letter;
  }
  return !word.empty() && !expects_letter;
}

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

/// One block being cut.
class Cutter {
 public:
  Cutter(std::string_view text, Span block, std::vector<Span>& out)
      : text_(text.substr(0, block.end)),
        start_(block.start),
        has_capitals_(has_capitals(text.substr(block.start, block.size()))),
        out_(out) {}

  void run() {
    start_ = skip_space(start_);
    for (std::size_t at = start_; at < text_.size();) {
      const std::size_t stop = find_terminator(at);
      if (stop == text_.size()) break;
      at = after_terminator(stop);
    }
    if (start_ < text_.size()) out_.push_back({start_, text_.size()});
  }

 private:
  static bool has_capitals(std::string_view block) {
    for (std::size_t at = 0; at < block.size(); at = next(block, at))
      if (unicode::is_upper(character(block, at))) return true;
    return false;
  }

  std::size_t find_terminator(std::size_t at) const {
    while (at < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at]);
      if (byte < 0x80 && byte != '.' && byte != '!' && byte != '?') {
        ++at;
        continue;
      }
      if (is_terminator(character(text_, at))) return at;
      at = next(text_, at);
    }
    return at;
  }

  /// Cuts behind the terminator at `stop` if a sentence ends there; where to read on.
  std::size_t after_terminator(std::size_t stop) {
    std::size_t end = stop;
    bool is_wide = false;
    for (char32_t c = character(text_, end); is_terminator(c); c = character(text_, end)) {
      is_wide |= is_wide_terminator(c);
      end = next(text_, end);
    }
    const std::size_t closed = skip_closers(text_, end);
    if (closed == text_.size()) return closed;
    const std::size_t following = skip_space(closed);
    if (following == closed && !is_wide) return end;
    if (following == text_.size()) return following;
    if (!is_wide && !ends_here(stop, end, following)) return end;
    out_.push_back({start_, closed});
    start_ = following;
    return following;
  }

  /// Behind white space, and quote marks that begin a line.
  std::size_t skip_space(std::size_t at) const {
    bool line_begins = false;
    while (at < text_.size()) {
      const char32_t c = character(text_, at);
      if (c == '\n' || c == '\r')
        line_begins = true;
      else if (!unicode::is_space(c) && !(c == '>' && line_begins))
        break;
      at = next(text_, at);
    }
    return at;
  }

  bool ends_here(std::size_t stop, std::size_t end, std::size_t following) const {
    const char32_t direct = character(text_, following);
    if (direct == ',' || direct == ';' || direct == ':' || direct == ')') return false;
    const std::size_t first = skip_openers(following);
    const char32_t c = character(text_, first);
    const bool is_single_stop = end == stop + 1 && text_[stop] == '.';
    if (is_single_stop && continues_after(word_before(text_, start_, stop), first)) return false;
    if (!has_capitals_ || !unicode::is_lower(c) || direct == '(') return true;
    // Three full stops before a name are more likely left-out parts of a path or a list.
    return (is_single_stop || text_[stop] != '.') && is_technical_name(first);
  }

  std::size_t skip_openers(std::size_t at) const {
    while (at < text_.size() && is_opener(character(text_, at))) at = next(text_, at);
    return at;
  }

  /// Whether the full stop behind `word` belongs to it and not to a sentence.
  bool continues_after(const Word& word, std::size_t following) const {
    const std::string_view small = word.small;
    const char32_t c = character(text_, following);
    if (is_in(never_final, small)) return true;
    if (is_in(before_numbers, small)) return unicode::is_number(c) || is_single_letter(following);
    // "1. Install", "IV. Results", "Chapter 20. Authentication" number what follows.
    if (is_numbering(small) && (word.start == start_ || follows_label(word))) return true;
    const bool is_capital = unicode::is_upper(character(text_, word.start));
    if (is_in(perhaps_final, small) || (is_initials(small) && (small.size() > 1 || is_capital)))
      return !begins_sentence(following);
    return false;
  }
  /// "Chapter" and the like, alone between the start and the word.
  bool follows_label(const Word& word) const {
    const std::string_view before = unicode::trim(text_.substr(start_, word.start - start_));
    return before.size() <= 10 && is_in(labels, unicode::to_lower(before));
  }
  static bool is_numbering(std::string_view word) {
    constexpr std::size_t digits_max = 3;
    if (is_number(word)) return word.size() <= digits_max;
    if (word.empty()) return false;
    if (word.find_first_not_of("0123456789.") == std::string_view::npos) return true;  // "20.1"
    return word.size() <= 4 &&
           (word.size() == 1 || word.find_first_not_of("ivx") == std::string_view::npos);
  }

  std::string_view word_at(std::size_t at) const {
    constexpr std::size_t word_bytes_max = 64;
    std::size_t end = at;
    while (end < text_.size() && end - at < word_bytes_max &&
           !unicode::is_space(character(text_, end)))
      end = next(text_, end);
    return text_.substr(at, end - at);
  }
  bool is_single_letter(std::size_t at) const {
    const std::string_view word = word_at(at);
    return !word.empty() && unicode::is_upper(character(word, 0)) &&
           (word.size() == 1 || !unicode::is_letter(character(word, next(word, 0))));
  }
  bool begins_sentence(std::size_t at) const {
    if (has_capitals_ && !unicode::is_upper(character(text_, at))) return false;
    std::string_view word = word_at(at);
    word = word.substr(0, word.find_first_of(",.;:'!?"));
    return is_in(first_words, unicode::to_lower(word));
  }
  /// "pg_dump", "slipway.yaml", "iOS", "x86", "`make`": begins a sentence in small letters.
  bool is_technical_name(std::size_t at) const {
    if (at > 0 && text_[at - 1] == '`') return true;
    std::string_view word = word_at(at);
    while (!word.empty() && std::string_view(".,;:!?)\"'").find(word.back()) != word.npos)
      word.remove_suffix(1);
    for (std::size_t i = 0; i < word.size(); i = next(word, i)) {
      const char32_t c = character(word, i);
      if (c == '_' || c == '.' || c == '(' || c == '/' || c == '=' || unicode::is_number(c) ||
          unicode::is_upper(c))
        return true;
    }
    return false;
  }

  const std::string_view text_;
  std::size_t start_;
  const bool has_capitals_;  ///< Else small letters say nothing.
  std::vector<Span>& out_;
};

}  // namespace

bool is_opener(char32_t c) {
  return std::u32string_view(U"\"'([{*_`‘“‚„«‹「『（【《〈〔［｛¿¡").find(c) !=
         std::u32string_view::npos;
}

void append_sentences(std::string_view text, Span block, std::vector<Span>& out) {
  Cutter(text, block, out).run();
}

LineEnd line_end(std::string_view line, std::string_view following) {
  std::size_t end = line.size();
  while (end > 0) {
    const std::size_t before = unicode::floor_boundary(line, end - 1);
    const char32_t c = character(line, before);
    if (is_terminator(c)) {
      if (c != '.') return LineEnd::sentence;
      const std::string word = word_before(line, 0, before).small;
      const bool goes_on =
          is_in(never_final, word) ||
          (is_in(before_numbers, word) && unicode::is_number(character(following, 0)));
      return goes_on ? LineEnd::abbreviation : LineEnd::sentence;
    }
    if (!is_closer(c)) break;
    end = before;
  }
  return LineEnd::open;
}

}  // namespace slipway::documents::detail
