#include "rag/detail/select.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::rag::detail {

namespace {

double dot_of(const models::Vector& a, const models::Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double cosine(const models::Vector& a, const models::Vector& b) {
  const double lengths = std::sqrt(dot_of(a, a)) * std::sqrt(dot_of(b, b));
  return lengths > 0 ? dot_of(a, b) / lengths : 0;
}

}  // namespace

std::vector<std::size_t> marginal_relevance(const models::Vector& query,
                                            const std::vector<models::Vector>& candidates,
                                            double lambda, std::size_t limit) {
  const std::size_t count = std::min(limit, candidates.size());
  std::vector<double> relevance;
  for (const models::Vector& candidate : candidates) relevance.push_back(cosine(query, candidate));
  std::vector<double> redundancy(candidates.size(), -2);  // Below every cosine.
  std::vector<bool> is_chosen(candidates.size());
  std::vector<std::size_t> chosen;
  while (chosen.size() < count) {
    std::size_t best = candidates.size();
    double best_score = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (is_chosen[i]) continue;
      const double score =
          chosen.empty() ? relevance[i] : lambda * relevance[i] - (1 - lambda) * redundancy[i];
      if (best == candidates.size() || score > best_score) {
        best = i;
        best_score = score;
      }
    }
    is_chosen[best] = true;
    chosen.push_back(best);
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (!is_chosen[i])
        redundancy[i] = std::max(redundancy[i], cosine(candidates[best], candidates[i]));
  }
  return chosen;
}

bool Repetitions::keep(Likeness candidate) {
  for (const Likeness& kept : kept_)
    if (kept.text_hash == candidate.text_hash ||
        dot_of(kept.vector, candidate.vector) > same_cosine)
      return false;
  kept_.push_back(std::move(candidate));
  return true;
}

documents::Span expanded(const std::vector<documents::Span>& chunks, std::size_t chunk,
                         const documents::SourceMap& map, Expand expand) {
  documents::Span span = chunks[chunk];
  if (expand == Expand::none) return span;
  std::size_t first = chunk, last = chunk;
  const auto join = [&](std::size_t other) {
    span.start = std::min(span.start, chunks[other].start);
    span.end = std::max(span.end, chunks[other].end);
  };
  if (expand == Expand::neighbours) {
    if (first > 0) join(first - 1);
    if (last + 1 < chunks.size()) join(last + 1);
    return span;
  }
  // By its middle: a chunk often begins with the heading that it stands under.
  const auto heading_of = [&](documents::Span span) {
    return map.place({span.start + span.size() / 2, span.end}).heading_path;
  };
  const auto heading = heading_of(chunks[chunk]);
  const auto fits = [&](std::size_t other) {
    const auto [start, end] = chunks[other];
    return heading_of(chunks[other]) == heading &&
           std::max(span.end, end) - std::min(span.start, start) <= section_bytes_max;
  };
  // One before, one after, and again, so that the chunk stays in the middle of a long section.
  for (bool grows_back = true, grows_on = true; grows_back || grows_on;) {
    grows_back = grows_back && first > 0 && fits(first - 1);
    if (grows_back) join(--first);
    grows_on = grows_on && last + 1 < chunks.size() && fits(last + 1);
    if (grows_on) join(++last);
  }
  return span;
}

bool fit_between(documents::Span& span, documents::Span chunk,
                 const std::vector<documents::Span>& others) {
  for (const documents::Span& other : others) {
    if (other.start <= chunk.start && chunk.end <= other.end) return false;
    if (other.end <= span.start || span.end <= other.start) continue;
    if (other.start <= chunk.start)
      span.start = std::min(std::max(span.start, other.end), chunk.start);
    else
      span.end = std::max(std::min(span.end, other.start), chunk.end);
  }
  return true;
}

}  // namespace slipway::rag::detail
