// An output beside the expected one: answer correctness, factual correctness, noise sensitivity,
// all as ragas 0.4.3 has them.
#include <cmath>

#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

double rounded_to_two(double value) { return std::nearbyint(value * 100) / 100; }

/// Claims of `text`, judged beside `premise`.
struct Verified {
  std::vector<std::string> claims;
  std::vector<JudgeVerdict> verdicts;

  double yes() const { return count_true(verdicts); }
  double no() const { return static_cast<double>(verdicts.size()) - yes(); }
};

Result<Verified> verify(Case& at, const std::string& of, const std::string& text,
                        const std::string& premise) {
  Verified verified;
  verified.claims = TRY(ask_texts(at, "claims_of_" + of, at.values({{"text", text}}), "claims"));
  if (verified.claims.empty()) return verified;
  verified.verdicts = TRY(ask_flags(
      at, "verdicts_of_" + of,
      at.values({{"claims", at.list(verified.claims)}, {"passage", premise}}), "statements"));
  return verified;
}

struct Classified {
  std::vector<std::string> true_positives, false_positives, false_negatives;
};

Result<Classified> classify(Case& at, const std::vector<std::string>& given,
                            const std::vector<std::string>& wanted) {
  Classified classified;
  TRY(at.ask("classification",
             at.values({{"input", at.input()},
                        {"statements", at.list(given)},
                        {"expected_statements", at.list(wanted)}}),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               classified.true_positives = TRY(reply_texts(reply, "TP"));
               classified.false_positives = TRY(reply_texts(reply, "FP"));
               classified.false_negatives = TRY(reply_texts(reply, "FN"));
               return {};
             }));
  return classified;
}

void add_items(Score& score, const std::vector<std::string>& texts, std::string_view verdict,
               std::string_view output) {
  for (const std::string& text : texts) {
    ScoredItem item{.text = text,
                    .verdict = std::string(verdict),
                    .reason = "",
                    .byte_start = {},
                    .byte_end = {},
                    .score = {}};
    locate(item, output);
    score.items.push_back(std::move(item));
  }
}

using Matrix = std::vector<std::vector<bool>>;  ///< By chunk, then by statement.

Result<std::vector<bool>> verdicts_beside(Case& at, const std::vector<std::string>& statements,
                                          const std::string& passage) {
  return flags_of(TRY(ask_flags(
      at, "verdicts", at.values({{"statements", at.list(statements)}, {"passage", passage}}),
      "statements")));
}

bool any_of(const std::vector<bool>& flags) {
  for (const bool flag : flags)
    if (flag) return true;
  return false;
}

}  // namespace

Result<Score> answer_correctness(Case& at) {
  const auto statements = [&](const std::string& text) {
    return ask_texts(at, "statements", at.values({{"input", at.input()}, {"output", text}}));
  };
  const auto given = TRY(statements(at.output()));
  const auto wanted = TRY(statements(at.expected()));
  const auto [factual_weight, similarity_weight] = at.pair("weights", {0.75, 0.25});
  double factual = 1;
  Score parts;
  if (!given.empty() || !wanted.empty()) {
    const Classified classified = TRY(classify(at, given, wanted));
    factual = f_beta(static_cast<double>(classified.true_positives.size()),
                     static_cast<double>(classified.false_positives.size()),
                     static_cast<double>(classified.false_negatives.size()), at.number("beta", 1));
    add_items(parts, classified.true_positives, "correct", at.output());
    add_items(parts, classified.false_positives, "wrong", at.output());
    add_items(parts, classified.false_negatives, "missing", "");
  }
  double similarity = 0;
  if (similarity_weight != 0) {
    const auto cos = cosine(TRY(at.embed(at.expected())), TRY(at.embed(at.output())));
    if (!cos) return no_score("an embedding is zero or of another length");
    similarity = *cos;
  }
  Score score = scored((factual_weight * factual + similarity_weight * similarity) /
                       (factual_weight + similarity_weight));
  score.items = std::move(parts.items);
  score.extra["f"] = factual;
  if (similarity_weight != 0) score.extra["similarity"] = similarity;
  return score;
}

Result<Score> factual_correctness(Case& at) {
  constexpr double smoothing = 1e-8;
  const std::string score_mode = at.text("score_mode", "f1");
  const Verified given = TRY(verify(at, "output", at.output(), at.expected()));
  Verified wanted;
  if (score_mode != "precision") wanted = TRY(verify(at, "expected", at.expected(), at.output()));
  const double true_positives = given.yes(), false_positives = given.no();
  const double false_negatives = wanted.no();
  if (given.verdicts.empty() && wanted.verdicts.empty() && at.mode() != Mode::ragas)
    return no_score("neither output nor expected output makes a claim");
  double value = 0;
  if (score_mode == "precision")
    value = true_positives / (true_positives + false_positives + smoothing);
  else if (score_mode == "recall")
    value = true_positives / (true_positives + false_negatives + smoothing);
  else
    value = f_beta(true_positives, false_positives, false_negatives, at.number("beta", 1));
  Score score = scored(rounded_to_two(value));
  score.items = items_of(given.verdicts, given.claims, at.output());
  for (ScoredItem& item : items_of(wanted.verdicts, wanted.claims, ""))
    score.items.push_back(std::move(item));
  score.extra["tp"] = true_positives;
  score.extra["fp"] = false_positives;
  score.extra["fn"] = false_negatives;
  return score;
}

Result<Score> noise_sensitivity(Case& at) {
  const auto statements = [&](const std::string& text) {
    return ask_texts(at, "statements", at.values({{"input", at.input()}, {"output", text}}));
  };
  const auto wanted = TRY(statements(at.expected()));
  const auto given = TRY(statements(at.output()));
  if (at.passages().empty()) return no_score("nothing was retrieved");
  Matrix of_wanted, of_given;
  for (const std::string& passage : at.passages()) {
    of_wanted.push_back(TRY(verdicts_beside(at, wanted, passage)));
    of_given.push_back(TRY(verdicts_beside(at, given, passage)));
  }
  const std::vector<bool> is_right = TRY(verdicts_beside(at, given, at.expected()));
  for (const auto& row : of_given)
    if (row.size() != is_right.size())
      return fail(Code::invalid_argument,
                  "case '{}', {}: the judge gave {} verdicts beside a chunk and {} beside the "
                  "expected output",
                  at.golden().id, at.settings().spec.label(), row.size(), is_right.size());
  if (is_right.empty()) return no_score("the output has no statement");
  const bool wants_irrelevant = at.text("relevance", "relevant") == "irrelevant";
  double wrong = 0;
  Score score;
  for (std::size_t i = 0; i < is_right.size(); ++i) {
    bool by_relevant = false, by_irrelevant = false;
    for (std::size_t chunk = 0; chunk < of_given.size(); ++chunk)
      if (of_given[chunk][i]) (any_of(of_wanted[chunk]) ? by_relevant : by_irrelevant) = true;
    const bool counts =
        !is_right[i] && (wants_irrelevant ? by_irrelevant && !by_relevant : by_relevant);
    wrong += counts;
    if (i < given.size()) add_items(score, {given[i]}, counts ? "noise" : "fine", at.output());
  }
  std::vector<ScoredItem> items = std::move(score.items);
  score = share(wrong, static_cast<double>(is_right.size()), "");
  score.items = std::move(items);
  return score;
}

}  // namespace slipway::eval
