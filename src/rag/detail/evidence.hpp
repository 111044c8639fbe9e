// The sentences of the found passages, weighed against the question.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "rag/claims.hpp"
#include "rag/detail/retrieve.hpp"

namespace slipway::rag::detail {

/// A quotable unit: a whole sentence, list item or table row of a document.
struct Evidence {
  std::size_t passage = 0;  ///< Index into Retrieved::passages: the best one that touches it.
  documents::Span span;     ///< In the document's text; the quote.
  std::string text;  ///< The quote as it reads in an answer: list marks gone, white space folded.
  Facts facts;
  Facts surroundings;  ///< Of title and headings.
  models::Vector vector;
  double similarity = 0;  ///< Cosine to the question.
  double score = 0;       ///< 0..1: how well it answers the question.
};

/// What the passages offer for a question.
struct Weighed {
  std::vector<Evidence> sentences;  ///< Best first; ties in reading order.
  double strength = 0;  ///< 0..1: calibrated probability that the passages answer the question.
  std::map<std::string, double> signals;  ///< The features that `strength` was computed from.
};

Result<Weighed> weigh(const Context&, const std::string& question, const Retrieved&,
                      models::Usage&);

/// Cosine of two unit vectors.
double dot(const models::Vector& a, const models::Vector& b);

/// The quote of a sentence: at most 600 bytes, cut between words.
documents::Span quote_span(const StoredText& stored, documents::Span span);

}  // namespace slipway::rag::detail
