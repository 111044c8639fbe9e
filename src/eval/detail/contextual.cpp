// What was retrieved, judged: contextual precision, recall and relevancy, and hallucination.
#include "documents/splitters.hpp"
#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

constexpr std::string_view nothing_found = "nothing was retrieved";

std::vector<std::string> sentences_of(const std::string& text) {
  std::vector<std::string> sentences;
  for (const documents::Span& span : documents::split_sentences(text))
    sentences.push_back(text.substr(span.start, span.end - span.start));
  return sentences;
}

json::Object about_ranking(const Case& at) {
  return at.values({{"input", at.input()},
                    {"expected_output", at.expected()},
                    {"context", at.list(at.passages())}});
}

/// A verdict of one object.
Result<JudgeVerdict> ask_one(Case& at, json::Object values) {
  JudgeVerdict verdict;
  TRY(at.ask("verdicts", std::move(values),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               verdict = read_verdict(reply);
               if (!verdict.flag)
                 return fail(Code::invalid_argument, "the reply's 'verdict' is not 0 or 1");
               return {};
             }));
  return verdict;
}

/// The statements of all chunks, chunk by chunk.
Result<Score> relevancy(Case& at, bool is_deepeval) {
  std::vector<JudgeVerdict> all;
  for (const std::string& passage : at.passages()) {
    json::Object values = at.values({{"input", at.input()}, {"passage", passage}});
    auto verdicts = is_deepeval ? TRY(ask_deepeval(at, std::move(values), {"yes", "no"}))
                                : TRY(ask_flags(at, "verdicts", std::move(values), "verdicts"));
    for (JudgeVerdict& verdict : verdicts) all.push_back(std::move(verdict));
  }
  if (all.empty()) return scored(0, "the chunks hold no statement");
  Score score = share(count_true(all), static_cast<double>(all.size()), "");
  for (JudgeVerdict& verdict : all) verdict.place.reset();
  score.items = items_of(all, {}, "");
  return score;
}

}  // namespace

Result<Score> native_contextual_precision(Case& at) {
  const auto& passages = at.passages();
  if (passages.empty()) return no_score(std::string(nothing_found));
  const auto verdicts = TRY(ask_all_flags(at, about_ranking(at), passages.size()));
  Score score = scored(average_precision_of(flags_of(verdicts)));
  score.items = items_of(verdicts, passages, "");
  return score;
}

Result<Score> deepeval_contextual_precision(Case& at) {
  const auto verdicts = TRY(ask_deepeval(at, about_ranking(at), {"yes", "no"}));
  Score score = scored(average_precision_of(flags_of(verdicts)));
  score.items = items_of(verdicts, at.passages(), "");
  return score;
}

Result<Score> ragas_contextual_precision(Case& at) {
  constexpr double smoothing = 1e-10;
  std::vector<JudgeVerdict> verdicts;
  for (const std::string& passage : at.passages())
    verdicts.push_back(TRY(ask_one(at, at.values({{"input", at.input()},
                                                  {"expected_output", at.expected()},
                                                  {"passage", passage}}))));
  Score score = scored(average_precision_of(flags_of(verdicts), smoothing));
  score.items = items_of(verdicts, at.passages(), "");
  return score;
}

Result<Score> native_contextual_recall(Case& at) {
  const auto sentences = sentences_of(at.expected());
  if (sentences.empty()) return no_score("the expected output has no sentence");
  // A judge may count sentences in its own way: what it gives verdicts for are the sentences.
  const auto verdicts = TRY(
      ask_flags(at, "verdicts",
                at.values({{"sentences", at.list(sentences)}, {"context", at.list(at.passages())}}),
                "verdicts"));
  Score score = share(count_true(verdicts), static_cast<double>(verdicts.size()),
                      "no sentence of the expected output was judged");
  score.items = items_of(verdicts, sentences, "");
  return score;
}

Result<Score> deepeval_contextual_recall(Case& at) {
  const auto verdicts = TRY(ask_deepeval(
      at, at.values({{"expected_output", at.expected()}, {"context", at.list(at.passages())}}),
      {"yes", "no"}));
  return deepeval_share(count(verdicts, {"yes"}), verdicts, 0, items_of(verdicts, {}, ""));
}

Result<Score> ragas_contextual_recall(Case& at) {
  const auto verdicts = TRY(ask_flags(at, "classifications",
                                      at.values({{"input", at.input()},
                                                 {"expected_output", at.expected()},
                                                 {"context", at.list(at.passages())}}),
                                      "classifications", "attributed"));
  Score score = share(count_true(verdicts), static_cast<double>(verdicts.size()),
                      "the expected output has no statement");
  score.items = items_of(verdicts, {}, "");
  return score;
}

Result<Score> native_contextual_relevancy(Case& at) { return relevancy(at, false); }
Result<Score> deepeval_contextual_relevancy(Case& at) { return relevancy(at, true); }

Result<Score> native_hallucination(Case& at) {
  const std::vector<std::string>& contexts = *at.golden().context;
  if (contexts.empty()) return no_score("there is no context");
  std::vector<JudgeVerdict> verdicts;
  while (verdicts.size() < contexts.size()) {
    const std::string& passage = contexts[verdicts.size()];
    std::vector<JudgeVerdict> given;
    TRY(at.ask("verdicts", at.values({{"output", at.output()}, {"passage", passage}}),
               [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
                 given.clear();
                 if (reply.contains("verdicts"))
                   given = TRY(reply_verdicts(reply, "verdicts"));
                 else
                   given.push_back(read_verdict(reply));
                 // One reply may speak of all contexts.
                 const bool is_complete = given.size() == 1 || given.size() == contexts.size();
                 for (const JudgeVerdict& verdict : given)
                   if (!is_complete || !verdict.flag)
                     return fail(Code::invalid_argument, "no verdict for each context");
                 if (given.empty())
                   return fail(Code::invalid_argument, "the reply gives no verdict");
                 return {};
               }));
    if (given.size() == contexts.size()) verdicts.clear();
    for (JudgeVerdict& verdict : given) verdicts.push_back(std::move(verdict));
  }
  Score score = share(count_true(verdicts), static_cast<double>(verdicts.size()), "");
  for (JudgeVerdict& verdict : verdicts) verdict.place.reset();
  score.items = items_of(verdicts, contexts, "");
  return score;
}

Result<Score> deepeval_hallucination(Case& at) {
  const std::vector<std::string>& contexts = *at.golden().context;
  const auto verdicts = TRY(ask_deepeval(
      at, at.values({{"output", at.output()}, {"context", at.list(contexts)}}), {"yes", "no"}));
  return deepeval_share(count(verdicts, {"yes"}), verdicts, 1, items_of(verdicts, contexts, ""));
}

}  // namespace slipway::eval
