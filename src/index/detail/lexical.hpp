// The words of a query and what they are worth in each chunk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "index/detail/segment.hpp"
#include "index/detail/selection.hpp"

namespace slipway::index {

/// One thing to look for.
struct Clause {
  enum class Kind { word, prefix, phrase };
  Kind kind = Kind::word;
  std::vector<std::string> words;      ///< One, but for a phrase.
  std::vector<std::uint32_t> offsets;  ///< Of a phrase: distance of each word from the first.
  double weight = 1;                   ///< How often the query says it.

  bool operator<(const Clause& other) const {
    return std::tie(kind, words, offsets) < std::tie(other.kind, other.words, other.offsets);
  }
};

/// `"exact words"` is a phrase of the words as they are indexed, in their order and distance, stop
/// words counted; `back*` is every word that begins so. Everything else is words. Sorted, each
/// once.
std::vector<Clause> parse_words(std::string_view text, std::string_view language);

/// BM25 as Lucene's, term at a time into one sum per chunk. Frequencies and the average length are
/// those of all live chunks, so a filter changes no score. A prefix counts as one word that stands
/// wherever one of its words does; a phrase is worth the sum of its words' weights, as often as it
/// stands there.
class WordScores {
 public:
  WordScores(const Snapshot& snapshot, const Selection& selection)
      : snapshot_(snapshot), selection_(selection) {}

  Result<void> add(const Context& context, const std::vector<Clause>& clauses);
  /// What the query's words are worth in an attribute of the documents, times `weight`, for each of
  /// their chunks: BM25 once more, over documents. Phrases and prefixes look at the text only.
  Result<void> add_field(const Context& context, const std::vector<Clause>& clauses,
                         const std::string& name, double weight, std::string_view language);
  /// 0 where no clause is met.
  double of(Place place) const {
    return scores_.empty() ? 0.0 : scores_[place.segment][place.chunk];
  }
  /// The selected chunks that are worth something.
  const std::vector<Place>& touched() const { return touched_; }

 private:
  /// The chunks of a segment that meet a clause, rising, and how often.
  struct Postings {
    std::span<const std::uint32_t> chunks;
    std::span<const Count> counts;
    std::vector<std::uint32_t> own_chunks;  ///< Where they are not a word's own.
    std::vector<Count> own_counts;
  };

  static Postings find(const Segment& segment, const Clause& clause);
  static Postings find_prefix(const Segment& segment, std::string_view prefix);
  static Postings find_phrase(const Segment& segment, const Clause& clause);
  double idf(const std::vector<Postings>& postings) const;
  double idf_of_phrase(const Clause& clause) const;
  void add(const Clause& clause);
  void add_to_documents(std::uint32_t segment, const Field& field,
                        const std::vector<Field::Posting>& postings, double weight,
                        double average_length);

  const Snapshot& snapshot_;
  const Selection& selection_;
  std::vector<std::vector<float>> scores_;  ///< By segment and chunk; empty without clauses.
  std::vector<Place> touched_;
};

}  // namespace slipway::index
