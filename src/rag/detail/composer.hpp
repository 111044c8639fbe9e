// Builds an answer sentence by sentence: numbers its citations, tells the listener, keeps what was
// dropped.
#pragma once

#include <map>

#include "rag/detail/evidence.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

class Composer {
 public:
  Composer(const Retrieved& retrieved, const AskEvents& events)
      : retrieved_(retrieved), events_(events) {}

  /// Adds a supported sentence with its evidence; a quote that was cited before keeps its number.
  void add(std::string text, double support, const std::vector<const Evidence*>& evidence);
  /// Adds a sentence that nothing supports, marked as such.
  void add_unsupported(std::string text);
  void drop(std::string text, std::string why);
  bool has_sentences() const { return !sentences_.empty(); }
  std::size_t dropped() const { return dropped_.size(); }
  const std::vector<DroppedSentence>& dropped_sentences() const { return dropped_; }
  bool has(std::string_view text) const;

  /// Moves everything into the answer and writes its running text: "Traces are kept for 30 days
  /// [1]."
  void finish(Answer& answer);

 private:
  int cite(const Evidence& evidence, std::vector<Citation>& added);

  const Retrieved& retrieved_;
  const AskEvents& events_;
  std::vector<Sentence> sentences_;
  std::vector<Citation> citations_;
  std::vector<DroppedSentence> dropped_;
  std::map<std::pair<std::string, std::size_t>, int> numbers_;
};

/// "Traces are kept for 30 days." and {1} -> "Traces are kept for 30 days [1]."
std::string with_marks(const Sentence& sentence);

}  // namespace slipway::rag::detail
