// Faithfulness and answer relevancy: an output in statements, and a verdict for each.
#include <algorithm>

#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

constexpr std::string_view no_claim = "the output makes no claim";
constexpr std::string_view no_statement = "the output has no statement";

json::Object about_claims(const Case& at, std::string_view key,
                          const std::vector<std::string>& claims) {
  return at.values(
      {{"input", at.input()}, {key, at.list(claims)}, {"context", at.list(at.passages())}});
}

/// One verdict for each of `claims`, in their order, all within `words`.
Result<std::vector<JudgeVerdict>> complete_verdicts(Case& at, json::Object values,
                                                    std::size_t claims,
                                                    const std::vector<std::string_view>& words) {
  std::vector<JudgeVerdict> ordered;
  TRY(at.ask("verdicts", std::move(values),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               std::vector<JudgeVerdict> given = TRY(reply_verdicts(reply, "verdicts"));
               std::vector<std::optional<JudgeVerdict>> slots(claims);
               for (std::size_t i = 0; i < given.size(); ++i) {
                 const std::size_t place = given[i].place.value_or(i);
                 if (place >= claims || slots[place])
                   return fail(Code::invalid_argument,
                               "verdict {} is for no claim, or for one that has a verdict", i);
                 if (std::find(words.begin(), words.end(), given[i].word) == words.end())
                   return fail(Code::invalid_argument, "verdict '{}' is none of: {}", given[i].word,
                               fmt::join(words, ", "));
                 slots[place] = std::move(given[i]);
               }
               ordered.clear();
               for (std::size_t i = 0; i < claims; ++i) {
                 if (!slots[i])
                   return fail(Code::invalid_argument, "claim {} of {} has no verdict", i, claims);
                 ordered.push_back(std::move(*slots[i]));
               }
               return {};
             }));
  return ordered;
}

}  // namespace

Result<Score> native_faithfulness(Case& at) {
  const auto claims =
      TRY(ask_texts(at, "claims", at.values({{"output", at.output()}, {"input", at.input()}})));
  if (claims.empty()) return no_score(std::string(no_claim));
  const auto verdicts = TRY(complete_verdicts(at, about_claims(at, "claims", claims), claims.size(),
                                              {"supported", "contradicted", "unverifiable"}));
  const double supported = count(verdicts, {"supported"});
  const double contradicted = count(verdicts, {"contradicted"});
  const double n = static_cast<double>(verdicts.size());
  const bool is_lenient = at.text("form", "supported") == "not_contradicted";
  Score score = share(is_lenient ? n - contradicted : supported, n, no_claim);
  score.extra["supported"] = supported;
  score.extra["contradicted"] = contradicted;
  score.extra["unverifiable"] = n - supported - contradicted;
  score.items = items_of(verdicts, claims, at.output());
  return score;
}

Result<Score> deepeval_faithfulness(Case& at) {
  const auto truths =
      TRY(ask_unused_texts(at, "truths", at.values({{"context", at.list(at.passages())}})));
  const auto claims = TRY(ask_texts(at, "claims", at.values({{"output", at.output()}})));
  if (claims.empty()) return scored(1, std::string(no_claim));
  const auto verdicts =
      TRY(ask_deepeval(at, at.values({{"claims", at.list(claims)}, {"truths", at.list(truths)}}),
                       {"yes", "no", "borderline"}));
  const double passed = at.flag("penalize_ambiguous_claims")
                            ? count(verdicts, {"yes"})
                            : count(verdicts, {"yes", "borderline"});
  return deepeval_share(passed, verdicts, 1, items_of(verdicts, claims, at.output()));
}

Result<Score> ragas_faithfulness(Case& at) {
  const auto statements =
      TRY(ask_texts(at, "statements", at.values({{"input", at.input()}, {"output", at.output()}})));
  if (statements.empty()) return no_score(std::string(no_statement));
  const auto verdicts =
      TRY(ask_flags(at, "verdicts", about_claims(at, "statements", statements), "statements"));
  Score score = share(count_true(verdicts), static_cast<double>(verdicts.size()), no_statement);
  score.items = items_of(verdicts, statements, at.output());
  return score;
}

Result<Score> native_answer_relevancy(Case& at) {
  const auto statements =
      TRY(ask_texts(at, "statements", at.values({{"output", at.output()}, {"input", at.input()}})));
  if (statements.empty()) return no_score(std::string(no_statement));
  const auto verdicts =
      TRY(ask_all_flags(at, at.values({{"input", at.input()}, {"statements", at.list(statements)}}),
                        statements.size()));
  Score score = share(count_true(verdicts), static_cast<double>(verdicts.size()), no_statement);
  score.items = items_of(verdicts, statements, at.output());
  return score;
}

Result<Score> deepeval_answer_relevancy(Case& at) {
  const auto statements = TRY(ask_texts(at, "statements", at.values({{"output", at.output()}})));
  if (statements.empty()) return scored(1, std::string(no_statement));
  const auto verdicts =
      TRY(ask_deepeval(at, at.values({{"input", at.input()}, {"statements", at.list(statements)}}),
                       {"yes", "no", "borderline"}));
  return deepeval_share(count(verdicts, {"yes", "borderline"}), verdicts, 1,
                        items_of(verdicts, statements, at.output()));
}

Result<Score> ragas_answer_relevancy(Case& at) {
  constexpr std::size_t default_strictness = 3;
  std::vector<std::string> questions;
  bool is_noncommittal = true;
  for (std::size_t i = 0; i < at.whole("strictness", default_strictness); ++i)
    TRY(at.ask("questions", at.values({{"output", at.output()}}),
               [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
                 const json::Value* question = reply.if_contains("question");
                 const json::Value* noncommittal = reply.if_contains("noncommittal");
                 if (!question || !question->is_string())
                   return fail(Code::invalid_argument, "the reply has no text 'question'");
                 const auto flag = noncommittal ? verdict_flag(*noncommittal) : std::nullopt;
                 if (!flag)
                   return fail(Code::invalid_argument, "the reply's 'noncommittal' is not 0 or 1");
                 is_noncommittal = is_noncommittal && *flag;
                 questions.emplace_back(question->get_string());
                 return {};
               }));
  if (std::all_of(questions.begin(), questions.end(), [](const auto& q) { return q.empty(); }))
    return no_score("no question could be made of the output");
  const auto wanted = TRY(at.embed(at.input()));
  double sum = 0;
  Score score;
  for (const std::string& question : questions) {
    const auto similarity = cosine(wanted, TRY(at.embed(question)));
    if (!similarity) return no_score("an embedding is zero or of another length");
    sum += *similarity;
    score.items.push_back({.text = question,
                           .verdict = "",
                           .reason = "",
                           .byte_start = {},
                           .byte_end = {},
                           .score = similarity});
  }
  const std::vector<ScoredItem> items = std::move(score.items);
  score = scored(is_noncommittal ? 0 : sum / static_cast<double>(questions.size()),
                 is_noncommittal ? "the output commits itself to nothing" : "");
  score.items = items;
  return score;
}

}  // namespace slipway::eval
