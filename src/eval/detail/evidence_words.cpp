#include "eval/detail/evidence_words.hpp"

#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "index/index.hpp"
#include "rag/claims.hpp"

namespace slipway::eval::detail {

namespace {

/// English words that carry a sentence and say nothing of its matter. Sorted.
constexpr std::array<std::string_view, 127> function_words{
    "a",      "about", "after", "again", "all",     "also",  "am",     "an",     "and",     "any",
    "are",    "as",    "at",    "be",    "because", "been",  "before", "being",  "between", "both",
    "but",    "by",    "can",   "could", "d",       "did",   "do",     "does",   "doing",   "down",
    "during", "each",  "few",   "for",   "from",    "had",   "has",    "have",   "having",  "he",
    "her",    "here",  "hers",  "him",   "his",     "how",   "i",      "if",     "in",      "into",
    "is",     "it",    "its",   "just",  "ll",      "m",     "may",    "me",     "might",   "mine",
    "more",   "most",  "must",  "my",    "myself",  "n't",   "no",     "nor",    "not",     "now",
    "of",     "off",   "on",    "once",  "only",    "or",    "other",  "our",    "ours",    "out",
    "over",   "own",   "re",    "s",     "same",    "shall", "she",    "should", "so",      "some",
    "such",   "t",     "than",  "that",  "the",     "their", "theirs", "them",   "then",    "there",
    "these",  "they",  "this",  "those", "through", "to",    "too",    "under",  "until",   "up",
    "us",     "ve",    "very",  "was",   "we",      "were",  "what",   "when",   "where",   "which",
    "while",  "who",   "whom",  "why",   "will",    "with",  "would"};
static_assert(std::is_sorted(function_words.begin(), function_words.end()));

constexpr std::array<std::string_view, 7> speaker_words{"i",    "i'd", "i'll", "i'm",
                                                        "i've", "me",  "my"};

bool is_in(const auto& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

/// Into `out`, so that a word costs no memory.
void fold_into(std::string& out, std::string_view raw) {
  if (!is_ascii(raw)) {
    out = unicode::fold(raw);
    for (std::size_t at = out.find("\u2019"); at != std::string::npos; at = out.find("\u2019"))
      out.replace(at, 3, "'");
    return;
  }
  out.assign(raw);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
}

/// Bytes of a mark "[1]" or "[2, 3]" that stands there; 0: none does.
std::size_t mark_at(std::string_view text, std::size_t at) {
  constexpr std::size_t mark_bytes_max = 64;
  const std::size_t end = text.substr(at, mark_bytes_max).find(']');
  if (end == std::string_view::npos || end == 1) return 0;
  return text.substr(at + 1, end - 1).find_first_not_of("0123456789, ") == std::string_view::npos
             ? end + 1
             : 0;
}

/// Which places are within marks; asked for rising places, so that a text is read once.
class Marks {
 public:
  explicit Marks(std::string_view text) : text_(text) {}
  bool cover(std::size_t at) {
    for (; read_ < at; ++read_)
      if (text_[read_] == '[' && read_ >= end_)
        if (const std::size_t bytes = mark_at(text_, read_); bytes > 0) end_ = read_ + bytes;
    return at < end_;
  }

 private:
  std::string_view text_;
  std::size_t read_ = 0, end_ = 0;
};

bool has_cjk(std::string_view raw) {
  if (is_ascii(raw)) return false;
  for (std::size_t at = 0; at < raw.size();) {
    const auto next = unicode::decode(raw, at);
    if (unicode::is_cjk(next.code_point)) return true;
    at += next.bytes;
  }
  return false;
}

}  // namespace

std::uint32_t Vocabulary::stem_number(std::string stem) {
  const auto [entry, is_new] =
      numbers_.try_emplace(std::move(stem), static_cast<std::uint32_t>(stems_.size()));
  if (is_new) stems_.push_back(entry->first);
  return entry->second;
}

const EvidenceWord& Vocabulary::known(std::string_view folded) {
  if (const auto found = words_.find(folded); found != words_.end()) return found->second;
  EvidenceWord word;
  word.is_negation = rag::is_negation(folded);
  word.is_speaker = is_in(speaker_words, folded);
  if (std::string number = rag::number_in(folded); !number.empty()) {
    word.is_number = word.is_content = true;
    word.stem = stem_number("#" + std::move(number));
  } else {
    std::vector<std::string> stems = index::analyze(folded);
    word.is_content =
        !stems.empty() && !std::binary_search(function_words.begin(), function_words.end(), folded);
    word.stem = stem_number(stems.empty() ? std::string(folded) : std::move(stems.back()));
  }
  return words_.emplace(std::string(folded), word).first->second;
}

std::vector<EvidenceWord> Vocabulary::read(std::string_view text) {
  std::vector<EvidenceWord> words;
  std::string folded;
  const auto add = [&](std::string_view form, const rag::FactWord& source, bool is_name) {
    EvidenceWord word = known(form);
    word.raw = source.raw;
    word.is_name = is_name && !word.is_number;
    words.push_back(word);
  };
  Marks marks(text);
  for (const rag::FactWord& source : rag::fact_words(text)) {
    if (marks.cover(static_cast<std::size_t>(source.raw.data() - text.data()))) continue;
    if (has_cjk(source.raw)) {
      for (std::size_t at = 0; at < source.raw.size();) {
        const auto next = unicode::decode(source.raw, at);
        add(source.raw.substr(at, next.bytes), {source.raw.substr(at, next.bytes)}, false);
        at += next.bytes;
      }
      continue;
    }
    fold_into(folded, source.raw);
    // A possessive, apart from its word as some texts have it or not.
    if (folded == "s" && source.raw.data() > text.data() && source.raw.data()[-1] == '\'') continue;
    if (folded.ends_with("'s")) folded.resize(folded.size() - 2);
    const bool is_name = rag::is_name(source);
    if (folded.size() > 3 && folded.ends_with("n't")) {
      add(std::string_view(folded).substr(0, folded.size() - 3), source, is_name);
      folded = "n't";
    }
    add(folded, source, is_name);
  }
  return words;
}

}  // namespace slipway::eval::detail
