// Evidence without a judge: how well passages carry a sentence, found by words, facts and meaning.
//
// The signals are n-gram precision (1 to 3), the share of content words, the best window of two
// sentences, the longest copied run, agreement of numbers, names and negations, and, with an
// embedder, the cosine of the sentence with its best windows. A logistic mix of them gives the
// support; its weights are in detail/evidence_weights.hpp, with the data they were fitted on and
// the agreement with people that was measured (`describe`).
//
// Same bytes in, same bits out: on any thread, in any order.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "models/embedder.hpp"

namespace slipway::eval {

namespace detail {
class EmbeddedTexts;
}

/// A sentence of a text, and what the passages say of it.
struct SentenceEvidence {
  std::size_t byte_start = 0, byte_end = 0;  ///< Of the sentence in the text.
  double support = 0;        ///< 0..1: calibrated probability that people call it supported.
  double contradiction = 0;  ///< 0..1: signs that the passages say otherwise; silence is none.
  std::string why;           ///< The fact that speaks most against it; empty: none does.
  /// The window that carries most of it; absent where it shares no word with any passage.
  std::optional<std::size_t> passage;
  std::size_t window_start = 0, window_end = 0;  ///< Bytes of that passage.
};

/// Safe to use from many threads.
class LocalEvidence {
 public:
  /// Without an embedder the lexical part runs alone. `embedder` must outlive it. Vectors of
  /// sentences are kept, some 32 MB at most.
  explicit LocalEvidence(models::Embedder* embedder = nullptr);
  ~LocalEvidence();

  /// One entry per sentence of `text` (documents::split_sentences), in order; empty where it has
  /// none. Citation marks ("[1]") say nothing. Without passages every support is near 0. Time grows
  /// with the length of the passages times the number of sentences; of passages beyond 4 MB
  /// together only the first are read, and of a sentence its first 400 words. Fails: cancelled,
  /// deadline_exceeded, and as embedders do.
  Result<std::vector<SentenceEvidence>> support(const Context& context, std::string_view text,
                                                const std::vector<std::string>& passages) const;
  /// The same for `text` as one claim, whatever sentences it has: span 0..size.
  Result<SentenceEvidence> support_of(const Context& context, std::string_view claim,
                                      const std::vector<std::string>& passages) const;
  /// 0..1 per text: whether it speaks to the question. By cosine with an embedder, else by words.
  /// Fails: as `support`.
  Result<std::vector<double>> relevance(const Context& context, std::string_view question,
                                        const std::vector<std::string_view>& texts) const;

  bool has_embedder() const { return texts_ != nullptr; }
  /// Part of a metric's fingerprint: version of the weights, and the embedder's identity.
  std::string identity() const;

 private:
  std::unique_ptr<detail::EmbeddedTexts> texts_;  ///< Null without an embedder.
};

/// Mean support and mean of 1 - contradiction; absent where there is no sentence.
std::optional<double> mean_support(const std::vector<SentenceEvidence>& sentences);
std::optional<double> mean_not_contradicted(const std::vector<SentenceEvidence>& sentences);

/// What `slipway eval metrics --show` prints beside every local form: weights, their version, the
/// data they were fitted on, and the measured agreement with people. Several lines, ending with a
/// line break.
std::string describe_local_evidence();

}  // namespace slipway::eval
