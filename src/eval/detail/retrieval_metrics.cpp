#include <algorithm>
#include <cmath>
#include <set>

#include "eval/detail/plain_metrics.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t default_k = 10;

/// The grades of what was found, best first, each id once, within k; and those of the relevant.
struct Ranking {
  std::size_t k = default_k;
  std::vector<double> grades;
  std::vector<double> relevant;  ///< Falling.
  std::vector<ScoredItem> items;
};

Ranking ranking_of(const Case& at) {
  Ranking ranking{.k = at.whole("k", default_k), .grades = {}, .relevant = {}, .items = {}};
  const auto& relevance = *at.golden().relevance;
  std::set<std::string_view> seen;
  for (const std::string& id : *at.golden().retrieved_ids) {
    if (ranking.grades.size() == ranking.k) break;
    if (!seen.insert(id).second) continue;
    const auto found = relevance.find(id);
    const double grade = found == relevance.end() ? 0 : found->second;
    ranking.grades.push_back(grade);
    ranking.items.push_back({.text = id,
                             .verdict = grade > 0 ? "relevant" : "not relevant",
                             .reason = "",
                             .byte_start = {},
                             .byte_end = {},
                             .score = grade});
  }
  for (const auto& [id, grade] : relevance)
    if (grade > 0) ranking.relevant.push_back(grade);
  std::sort(ranking.relevant.rbegin(), ranking.relevant.rend());
  return ranking;
}

std::size_t hits(const Ranking& ranking) {
  return static_cast<std::size_t>(std::count_if(ranking.grades.begin(), ranking.grades.end(),
                                                [](double grade) { return grade > 0; }));
}

Score with_items(Score score, Ranking&& ranking) {
  score.items = std::move(ranking.items);
  return score;
}

Score nothing_relevant() { return no_score("no document is relevant"); }

double discounted(const std::vector<double>& grades, std::size_t k, bool is_exponential) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(k, grades.size()); ++i) {
    const double gain = is_exponential ? std::exp2(grades[i]) - 1 : grades[i];
    sum += gain / std::log2(static_cast<double>(i) + 2);
  }
  return sum;
}

std::set<std::string_view> relevant_ids(const Golden& golden) {
  std::set<std::string_view> ids;
  for (const auto& [id, grade] : *golden.relevance)
    if (grade > 0) ids.insert(id);
  return ids;
}

struct IdOverlap {
  std::size_t both = 0, got = 0, wanted = 0;
};

IdOverlap overlap(const Golden& golden) {
  const std::set<std::string_view> got(golden.retrieved_ids->begin(), golden.retrieved_ids->end());
  const std::set<std::string_view> wanted = relevant_ids(golden);
  IdOverlap overlap{.both = 0, .got = got.size(), .wanted = wanted.size()};
  for (const std::string_view id : got) overlap.both += wanted.count(id);
  return overlap;
}

}  // namespace

Score precision_at_k(Case& at) {
  Ranking ranking = ranking_of(at);
  const double value = static_cast<double>(hits(ranking)) / static_cast<double>(ranking.k);
  return with_items(scored(value, fmt::format("{} of {}", hits(ranking), ranking.k)),
                    std::move(ranking));
}

Score recall_at_k(Case& at) {
  Ranking ranking = ranking_of(at);
  if (ranking.relevant.empty()) return nothing_relevant();
  const std::size_t found = hits(ranking), all = ranking.relevant.size();
  return with_items(scored(static_cast<double>(found) / static_cast<double>(all),
                           fmt::format("{} of {}", found, all)),
                    std::move(ranking));
}

Score hit_at_k(Case& at) {
  Ranking ranking = ranking_of(at);
  return with_items(scored(hits(ranking) > 0 ? 1 : 0), std::move(ranking));
}

Score reciprocal_rank(Case& at) {
  Ranking ranking = ranking_of(at);
  for (std::size_t i = 0; i < ranking.grades.size(); ++i)
    if (ranking.grades[i] > 0)
      return with_items(scored(1 / static_cast<double>(i + 1), fmt::format("rank {}", i + 1)),
                        std::move(ranking));
  return with_items(scored(0, fmt::format("none within {}", ranking.k)), std::move(ranking));
}

Score average_precision(Case& at) {
  Ranking ranking = ranking_of(at);
  if (ranking.relevant.empty()) return nothing_relevant();
  double sum = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < ranking.grades.size(); ++i)
    if (ranking.grades[i] > 0) sum += static_cast<double>(++found) / static_cast<double>(i + 1);
  return with_items(scored(sum / static_cast<double>(ranking.relevant.size())), std::move(ranking));
}

Score ndcg_at_k(Case& at) {
  Ranking ranking = ranking_of(at);
  if (ranking.relevant.empty()) return nothing_relevant();
  const bool is_exponential = at.text("gain", "linear") == "exponential";
  const double got = discounted(ranking.grades, ranking.k, is_exponential);
  const double ideal = discounted(ranking.relevant, ranking.k, is_exponential);
  return with_items(scored(got / ideal), std::move(ranking));
}

Score id_precision(Case& at) {
  const IdOverlap ids = overlap(at.golden());
  return share(static_cast<double>(ids.both), static_cast<double>(ids.got), "nothing was found");
}

Score id_recall(Case& at) {
  const IdOverlap ids = overlap(at.golden());
  return share(static_cast<double>(ids.both), static_cast<double>(ids.wanted),
               "no document is relevant");
}

}  // namespace slipway::eval
