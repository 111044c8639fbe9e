// What words say of a claim and the passages that shall carry it.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "documents/splitters.hpp"
#include "eval/detail/evidence_words.hpp"

namespace slipway::eval::detail {

/// A sentence of a passage.
struct SourceSentence {
  std::size_t passage = 0;
  documents::Span span;                        ///< In the passage.
  std::uint32_t first_word = 0, end_word = 0;  ///< Of `Source::words`.
};

/// Passages ready to be compared with claims. They must outlive it. Immutable once made.
class Source {
 public:
  Source(const std::vector<std::string>& passages, Vocabulary& vocabulary);

  const std::vector<SourceSentence>& sentences() const { return sentences_; }
  const std::vector<EvidenceWord>& words() const { return words_; }
  /// Where a stem stands, rising: numbers of words.
  std::span<const std::uint32_t> places(std::uint32_t stem) const;
  std::uint32_t sentence_of(std::uint32_t word) const { return sentence_of_[word]; }
  /// A stem of the passages that is another form of `stem`: "argentina" and "argentinian". Absent
  /// where there is none.
  std::optional<std::uint32_t> kin_of(std::uint32_t stem, const Vocabulary& vocabulary) const;

 private:
  std::vector<SourceSentence> sentences_;
  std::vector<EvidenceWord> words_;
  std::vector<std::uint32_t> sentence_of_;
  std::vector<std::uint32_t> starts_, places_;  ///< Of stems.
  std::vector<std::uint32_t> sorted_;           ///< Stems of content words by their text.
};

/// One or two neighbouring sentences: the second may be the first.
struct Window {
  std::uint32_t first = 0, last = 0;
  double coverage = 0;  ///< Of the claim's content words, weighted.
};

/// Shares are 0..1 of the claim, flags 0 or 1.
struct Signals {
  double unigrams = 0, bigrams = 0, trigrams = 0;  ///< n-grams that stand in the passages.
  double steps = 0;    ///< Neighbouring words that stand in that order, few words apart.
  double run = 0;      ///< The longest copied run, of all words.
  double content = 0;  ///< Content words that stand anywhere.
  double window = 0;   ///< The same of the best window of two sentences, weighted.
  double numbers = 0;  ///< Numbers that stand nowhere,
  double names = 0;    ///< and names.
  double loose = 0;    ///< Names and numbers that no sentence has beside a neighbour of theirs.
  double denies = 0;   ///< It has a negation and its window has none,
  double affirms = 0;  ///< or the other way round.
  double splices = 0;  ///< Neighbours that both stand somewhere, but no step: log(1 + count).
  double broken = 0;   ///< Neighbouring content words that no sentence has: log(1 + count).
  double speaker = 0;  ///< "I" speaks, and does not in the passages.
  double asks = 0;     ///< It is a question.
  double other_number = 0;      ///< A number that stands nowhere, where its window has another one;
  double other_name = 0;        ///< the same of names.
  double words = 0;             ///< A count.
  double source_sentences = 0;  ///< Of the passages: a count.
  std::optional<double> cosine;  ///< Of the claim with the best window; absent without embedder.
};

inline constexpr std::size_t windows_max = 8;

struct Compared {
  Signals signals;
  std::vector<Window> windows;  ///< That share most with it, best first, at most `windows_max`.
  std::vector<Window> best;     ///< The first, and what adds most to it; empty: nothing is shared.
  std::string why;              ///< The fact that speaks against it.
};

/// `claim` was read with the vocabulary of the source.
Compared compare(std::string_view text, const std::vector<EvidenceWord>& claim,
                 const Source& source, const Vocabulary& vocabulary);
}  // namespace slipway::eval::detail
