// Which of the found passages are shown: without repetition, varied, or with what stands around
// them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "documents/documents.hpp"
#include "models/embedder.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

/// Maximal marginal relevance, choice for choice as LangChain's `maximal_marginal_relevance`: first
/// the candidate nearest to the query, then again and again the one with the highest `lambda` *
/// cosine to the query - (1 - `lambda`) * highest cosine to one that is chosen. Ties go to the
/// first. Indices in the order of choice, min(limit, candidates) of them. A vector without length
/// has the cosine 0.
std::vector<std::size_t> marginal_relevance(const models::Vector& query,
                                            const std::vector<models::Vector>& candidates,
                                            double lambda, std::size_t limit);

/// What repetition is judged by.
struct Likeness {
  std::string text_hash;
  models::Vector vector;  ///< Unit length.
};

/// Remembers what is kept. A text is a repetition when its hash is that of a kept one, or its
/// cosine to a kept one is above `same_cosine`.
class Repetitions {
 public:
  /// Strict, because what is left out cannot be found again.
  static constexpr double same_cosine = 0.98;
  /// False when it repeats a kept one; else it is kept.
  bool keep(Likeness candidate);

 private:
  std::vector<Likeness> kept_;
};

/// The span to show for chunk `chunk` of a document: itself; with the chunk before and after it; or
/// with all neighbours under the same heading, nearest first, while the whole stays within
/// `section_bytes_max`.
constexpr std::size_t section_bytes_max = 6000;
documents::Span expanded(const std::vector<documents::Span>& chunks, std::size_t chunk,
                         const documents::SourceMap& map, Expand expand);

/// Cuts `span` so that it does not overlap `others`; never into `chunk`. False when `chunk` stands
/// in one of them already.
bool fit_between(documents::Span& span, documents::Span chunk,
                 const std::vector<documents::Span>& others);

}  // namespace slipway::rag::detail
