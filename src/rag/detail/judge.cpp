#include "rag/detail/judge.hpp"

#include <algorithm>

namespace slipway::rag::detail {

namespace {

/// Only the nearest quotes are tried: a claim that needs more than these says more than one
/// sentence does.
constexpr std::size_t candidates_max = 6;
/// bge-small puts unrelated English sentences at about 0.5, paraphrases above 0.85.
constexpr double similarity_of_strangers = 0.5;

double support_of(double coverage, double similarity) {
  const double meaning =
      std::clamp((similarity - similarity_of_strangers) / (1 - similarity_of_strangers), 0.0, 1.0);
  return 0.55 * coverage + 0.45 * meaning;
}

struct Candidate {
  const Evidence* evidence = nullptr;
  double similarity = 0;
};

std::vector<Candidate> nearest(const models::Vector& vector,
                               const std::vector<Evidence>& evidence) {
  std::vector<Candidate> all;
  for (const Evidence& one : evidence) all.push_back({&one, dot(vector, one.vector)});
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return a.similarity > b.similarity;
  });
  if (all.size() > candidates_max) all.resize(candidates_max);
  return all;
}

Facts joined(const Facts& a, const Facts& b) {
  Facts both = a;
  both.numbers.insert(b.numbers.begin(), b.numbers.end());
  both.names.insert(b.names.begin(), b.names.end());
  both.words.insert(b.words.begin(), b.words.end());
  both.stems.insert(b.stems.begin(), b.stems.end());
  both.negated = a.negated || b.negated;
  return both;
}

/// Support by these quotes, or why not.
Verdict weigh_quotes(const Facts& claim, double similarity, const Facts& facts,
                     std::vector<const Evidence*> quotes) {
  if (auto why = contradiction(claim, facts, quotes.front()->surroundings))
    return {0, {}, std::move(*why)};
  return {support_of(coverage(claim, facts), similarity), std::move(quotes), ""};
}

}  // namespace

Verdict judge(const std::string& claim, const models::Vector& vector,
              const std::vector<Evidence>& evidence, double support_min) {
  const Facts facts = facts_of(claim);
  const auto candidates = nearest(vector, evidence);
  if (candidates.empty()) return {0, {}, "there is no evidence"};
  Verdict best;
  std::string first_why;
  const auto consider = [&](Verdict verdict) {
    if (!verdict.why_not.empty() && first_why.empty()) first_why = verdict.why_not;
    if (verdict.support > best.support) best = std::move(verdict);
  };
  for (const Candidate& one : candidates)
    consider(weigh_quotes(facts, one.similarity, one.evidence->facts, {one.evidence}));
  if (best.support < support_min)
    for (const Candidate& a : candidates)
      for (const Candidate& b : candidates)
        if (a.evidence < b.evidence && a.evidence->passage == b.evidence->passage)
          consider(weigh_quotes(facts, std::max(a.similarity, b.similarity),
                                joined(a.evidence->facts, b.evidence->facts),
                                {a.evidence, b.evidence}));
  if (best.support >= support_min) return best;
  // A hard fact that is missing explains more than a number that is too small.
  const std::string why =
      first_why.empty() ? fmt::format("support {:.2f} is below {:.2f}", best.support, support_min)
                        : first_why;
  return {best.support, {}, why};
}

}  // namespace slipway::rag::detail
