// Whether a passage can carry a claim: checks that need no model. Pure functions.
//
// Similarity alone is not support: "kept for 30 days" and "kept for 45 days" are near neighbours in
// every embedding. So the hard facts of a claim, its numbers, names and negation, must stand in the
// evidence first; only then similarity decides (the order of checks of design section 6; ALCE's
// notion of citation recall).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::rag {

/// A word with the joints that belong to it: 3.14, 1,000, don't, max_connections, slipway.yaml.
struct FactWord {
  std::string_view raw;
  bool opens_sentence = false;
};
/// In order. The text must outlive them. Any bytes are accepted.
std::vector<FactWord> fact_words(std::string_view text);
/// "1,000" is "1000", "thirty" is "30", "5%" and "5th" are "5", "3.10" stays (it may be a version);
/// empty when it is no number. Of a folded word.
std::string number_in(std::string_view folded);
/// Whether it is written as names are: a capital inside a sentence, inner capitals, '_'.
bool is_name(const FactWord& word);
/// Of a folded word: "not", "never", "don't" ...
bool is_negation(std::string_view folded);

/// The hard facts of a text.
struct Facts {
  std::set<std::string> numbers;  ///< Normalised: "1,000" is "1000", "thirty" is "30", "5%" is "5".
  std::set<std::string>
      names;  ///< Folded: capitalised words inside sentences, identifiers, acronyms.
  std::set<std::string> words;  ///< All folded words, for looking names up.
  std::set<std::string> stems;  ///< Content words as the lexical index sees them.
  bool negated = false;
};
Facts facts_of(std::string_view text);

/// Why `evidence` cannot carry `claim`, or nothing: "number 45 is not in the evidence". Names that
/// stand in `known` (title and headings around the evidence) need not be repeated in it. The
/// question must not be in `known`: what a leading question presumes is not evidence.
std::optional<std::string> contradiction(const Facts& claim, const Facts& evidence,
                                         const Facts& known);

/// Share of the claim's content words that the evidence has, 0..1; 1 when the claim has none.
double coverage(const Facts& claim, const Facts& evidence);

/// Whether the claim says something that the question does not: a number, or three content words.
bool adds_to(const Facts& claim, const Facts& question);

/// A sentence without citation marks such as "[1]" or "[2, 3]", trimmed.
std::string without_marks(std::string_view sentence);

}  // namespace slipway::rag
