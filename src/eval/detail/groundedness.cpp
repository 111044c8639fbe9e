// Groundedness after TruLens 2.16 (nltk sentences, grades 0 to 3), stricter: a grade counts only
// with a quote that stands in the passages. Task completion.
#include <algorithm>

#include "documents/splitters.hpp"
#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

constexpr double grade_max = 3;
constexpr std::size_t criteria_max = 100;

struct Sentence {
  std::string text;
  std::size_t start = 0, end = 0;
};

std::vector<Sentence> sentences_of(const std::string& text) {
  std::vector<Sentence> sentences;
  for (const documents::Span& span : documents::split_sentences(text))
    sentences.push_back({text.substr(span.start, span.end - span.start), span.start, span.end});
  return sentences;
}

struct Grade {
  std::optional<std::size_t> sentence;
  double grade = 0;
  std::vector<std::string> quotes;
  bool is_trivial = false, is_abstention = false;
  std::string reason;
};

std::vector<std::string> quotes_of(const json::Object& item) {
  std::vector<std::string> quotes;
  for (const std::string_view key : {"quote", "evidence", "quotes"}) {
    const json::Value* value = item.if_contains(key);
    if (!value) continue;
    if (value->is_string()) quotes.emplace_back(value->get_string());
    if (value->is_array())
      for (const json::Value& quote : value->get_array())
        if (quote.is_string()) quotes.emplace_back(quote.get_string());
  }
  return quotes;
}

bool says(const json::Object& item, std::string_view key) {
  const json::Value* flag = item.if_contains(key);
  if (flag && verdict_flag(*flag).value_or(false)) return true;
  for (const std::string_view kind : {"kind", "verdict", "type"})
    if (const json::Value* word = item.if_contains(kind); word && verdict_word(*word) == key)
      return true;
  return false;
}

Result<Grade> grade_of(const json::Value& item, std::size_t place) {
  if (!item.is_object())
    return fail(Code::invalid_argument, "sentences[{}]: expected an object", place);
  const json::Object& object = item.get_object();
  Grade grade{.sentence = {},
              .grade = 0,
              .quotes = quotes_of(object),
              .is_trivial = says(object, "trivial"),
              .is_abstention = says(object, "abstention"),
              .reason = reply_text(object, "reason")};
  for (const std::string_view key : {"sentence", "index"})
    if (const json::Value* number = object.if_contains(key);
        number && number->is_int64() && number->get_int64() >= 0)
      grade.sentence = static_cast<std::size_t>(number->get_int64());
  if (grade.is_trivial || grade.is_abstention) return grade;
  std::optional<double> given;
  for (const std::string_view key : {"score", "grade"})
    if (const json::Value* value = object.if_contains(key)) given = reply_number(*value);
  if (!given || *given < 0 || *given > grade_max)
    return fail(Code::invalid_argument, "sentences[{}].score: expected a number in 0..3", place);
  grade.grade = *given;
  return grade;
}

bool stands_in(const std::vector<std::string>& passages, const std::string& quote) {
  return !quote.empty() &&
         std::any_of(passages.begin(), passages.end(), [&](const std::string& passage) {
           return passage.find(quote) != std::string::npos;
         });
}

ScoredItem item_of(const Grade& grade, const std::vector<Sentence>& sentences, std::size_t place,
                   double value) {
  const std::size_t number = grade.sentence.value_or(place);
  ScoredItem item{.text = "",
                  .verdict = grade.is_trivial      ? "trivial"
                             : grade.is_abstention ? "abstention"
                                                   : fmt::format("{}", grade.grade),
                  .reason = grade.reason,
                  .byte_start = {},
                  .byte_end = {},
                  .score = {}};
  if (number < sentences.size()) {
    item.text = sentences[number].text;
    item.byte_start = sentences[number].start;
    item.byte_end = sentences[number].end;
  }
  if (!grade.is_trivial) item.score = value / grade_max;
  if (value < grade.grade) item.reason = "the quoted evidence does not stand in the passages";
  return item;
}

/// Criteria that are met; `all` of one reply, or one a reply.
struct Criteria {
  std::vector<std::string> texts;
  std::vector<JudgeVerdict> verdicts;
};

Result<std::vector<JudgeVerdict>> ask_criteria(Case& at, const json::Object& values) {
  std::vector<JudgeVerdict> given;
  TRY(at.ask("verdict", values, [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
    given.clear();
    for (const std::string_view key : {"verdicts", "criteria"})
      if (given.empty() && reply.contains(key)) given = TRY(reply_verdicts(reply, key));
    if (given.empty()) given.push_back(read_verdict(reply));
    for (JudgeVerdict& verdict : given)
      if (!verdict.flag) return fail(Code::invalid_argument, "a criterion is neither met nor not");
    return {};
  }));
  return given;
}

}  // namespace

Result<Score> groundedness(Case& at) {
  const std::vector<Sentence> sentences = sentences_of(at.output());
  if (sentences.empty()) return no_score("the output has no sentence");
  json::Array texts;
  for (const Sentence& sentence : sentences) texts.emplace_back(sentence.text);
  std::vector<Grade> grades;
  TRY(at.ask(
      "sentences",
      {{"input", at.input()}, {"sentences", std::move(texts)}, {"context", at.list(at.passages())}},
      [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
        grades.clear();
        for (const json::Value& item : *TRY(reply_list(reply, "sentences")))
          grades.push_back(TRY(grade_of(item, grades.size())));
        return {};
      }));
  double sum = 0, n = 0;
  std::vector<ScoredItem> items;
  for (const Grade& grade : grades) {
    const auto found = [&](const auto& quote) { return stands_in(at.passages(), quote); };
    double value = grade.is_abstention ? grade_max : grade.grade;
    if (!grade.is_abstention && std::none_of(grade.quotes.begin(), grade.quotes.end(), found))
      value = 0;
    items.push_back(item_of(grade, sentences, items.size(), value));
    if (grade.is_trivial) continue;
    sum += value;
    ++n;
  }
  Score score = n == 0 ? no_score("the output has only trivial sentences")
                       : scored(sum / n / grade_max, fmt::format("{} of {}", sum, grade_max * n));
  score.items = std::move(items);
  return score;
}

Result<Score> native_task_completion(Case& at) {
  Criteria criteria{.texts = at.texts("criteria"), .verdicts = {}};
  std::string task = at.text("task", ""), outcome;
  if (criteria.texts.empty())
    TRY(at.ask_unused("task",
                      {{"input", at.input()}, {"output", at.output()}, {"case", at.shown_golden()}},
                      [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
                        if (task.empty()) task = reply_text(reply, "task");
                        outcome = reply_text(reply, "outcome");
                        if (reply.contains("criteria"))
                          criteria.texts = TRY(reply_texts(reply, "criteria"));
                        if (criteria.texts.size() > criteria_max)
                          return fail(Code::invalid_argument, "{} criteria; at most {} are judged",
                                      criteria.texts.size(), criteria_max);
                        return {};
                      }));
  const json::Object values{{"input", at.input()},
                            {"output", at.output()},
                            {"task", task},
                            {"outcome", outcome},
                            {"criteria", at.list(criteria.texts)},
                            {"case", at.shown_golden()}};
  while (criteria.verdicts.empty() || criteria.verdicts.size() < criteria.texts.size()) {
    json::Object asked = values;
    asked["criterion"] = criteria.verdicts.size();
    std::vector<JudgeVerdict> given = TRY(ask_criteria(at, asked));
    const bool speaks_of_all = given.size() > 1 || criteria.texts.size() <= 1;
    for (JudgeVerdict& verdict : given) criteria.verdicts.push_back(std::move(verdict));
    if (speaks_of_all) break;
  }
  if (!criteria.texts.empty() && criteria.verdicts.size() != criteria.texts.size())
    return fail(Code::invalid_argument, "case '{}', {}: {} verdicts for {} criteria",
                at.golden().id, at.settings().spec.label(), criteria.verdicts.size(),
                criteria.texts.size());
  Score score =
      share(count_true(criteria.verdicts), static_cast<double>(criteria.verdicts.size()), "");
  score.items = items_of(criteria.verdicts, criteria.texts, "");
  return score;
}

Result<Score> deepeval_task_completion(Case& at) {
  std::string task = at.text("task", ""), outcome;
  TRY(at.ask_unused("task",
                    {{"input", at.input()}, {"output", at.output()}, {"case", at.shown_golden()}},
                    [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
                      if (task.empty()) task = reply_text(reply, "task");
                      outcome = reply_text(reply, "outcome");
                      return {};
                    }));
  Score score;
  TRY(at.ask("verdict", {{"task", task}, {"outcome", outcome}},
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               const json::Value* value = reply.if_contains("verdict");
               const auto number = value ? reply_number(*value) : std::nullopt;
               if (!number)
                 return fail(Code::invalid_argument, "the reply's 'verdict' is not a number");
               score = scored(*number, reply_text(reply, "reason"));
               return {};
             }));
  return score;
}

}  // namespace slipway::eval
