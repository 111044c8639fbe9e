#include "eval/detail/steps.hpp"

#include <algorithm>

namespace slipway::eval {

namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Case::Reader texts_reader(std::vector<std::string>& texts, std::string key) {
  return
      [&texts, key = std::move(key)](const json::Object& reply, const JudgeReply&) -> Result<void> {
        texts = TRY(reply_texts(reply, key));
        return {};
      };
}

Result<void> read_flags(const json::Object& reply, std::string_view key, std::string_view flag_key,
                        std::vector<JudgeVerdict>& verdicts) {
  verdicts = TRY(reply_verdicts(reply, key, flag_key));
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (!verdicts[i].flag)
      return fail(Code::invalid_argument, "{}[{}].{}: is neither yes nor no", key, i, flag_key);
  return {};
}

}  // namespace

Result<std::vector<std::string>> ask_texts(Case& at, std::string_view step, json::Object values,
                                           std::string_view key) {
  std::vector<std::string> texts;
  TRY(at.ask(step, std::move(values), texts_reader(texts, std::string(key.empty() ? step : key))));
  return texts;
}

Result<std::vector<std::string>> ask_unused_texts(Case& at, std::string_view step,
                                                  json::Object values) {
  std::vector<std::string> texts;
  TRY(at.ask_unused(step, std::move(values), texts_reader(texts, std::string(step))));
  return texts;
}

Result<std::vector<JudgeVerdict>> ask_flags(Case& at, std::string_view step, json::Object values,
                                            std::string_view key, std::string_view flag_key) {
  std::vector<JudgeVerdict> verdicts;
  TRY(at.ask(step, std::move(values),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               return read_flags(reply, key, flag_key, verdicts);
             }));
  return verdicts;
}

Result<std::vector<JudgeVerdict>> ask_all_flags(Case& at, json::Object values, std::size_t n) {
  std::vector<JudgeVerdict> verdicts;
  TRY(at.ask("verdicts", std::move(values),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               TRY(read_flags(reply, "verdicts", "verdict", verdicts));
               if (verdicts.size() != n)
                 return fail(Code::invalid_argument, "{} verdicts where {} were asked for",
                             verdicts.size(), n);
               return {};
             }));
  return verdicts;
}

Result<std::vector<JudgeVerdict>> ask_deepeval(Case& at, json::Object values,
                                               std::initializer_list<std::string_view> words) {
  std::vector<JudgeVerdict> kept;
  TRY(at.ask("verdicts", std::move(values),
             [&](const json::Object& reply, const JudgeReply&) -> Result<void> {
               kept.clear();
               const json::Value* list = reply.if_contains("verdicts");
               if (!list || list->is_null()) return {};
               std::vector<JudgeVerdict> verdicts = TRY(reply_verdicts(reply, "verdicts"));
               for (std::size_t i = 0; i < verdicts.size(); ++i) {
                 if (!is_one_of(verdicts[i].word, words)) continue;
                 if (!verdicts[i].place) verdicts[i].place = i;
                 kept.push_back(std::move(verdicts[i]));
               }
               return {};
             }));
  return kept;
}

Score deepeval_share(double passed, const std::vector<JudgeVerdict>& verdicts, double empty,
                     std::vector<ScoredItem> items) {
  if (verdicts.empty()) return scored(empty, "no verdict was given");
  Score score = share(passed, static_cast<double>(verdicts.size()), "");
  score.items = std::move(items);
  return score;
}

double count(const std::vector<JudgeVerdict>& verdicts,
             std::initializer_list<std::string_view> words) {
  return static_cast<double>(
      std::count_if(verdicts.begin(), verdicts.end(),
                    [&](const JudgeVerdict& verdict) { return is_one_of(verdict.word, words); }));
}

double count_true(const std::vector<JudgeVerdict>& verdicts) {
  return static_cast<double>(
      std::count_if(verdicts.begin(), verdicts.end(),
                    [](const JudgeVerdict& verdict) { return verdict.flag.value_or(false); }));
}

double average_precision_of(const std::vector<bool>& relevant, double smoothing) {
  double sum = 0;
  double found = 0;
  for (std::size_t i = 0; i < relevant.size(); ++i)
    if (relevant[i]) sum += ++found / static_cast<double>(i + 1);
  return found == 0 ? 0 : sum / (found + smoothing);
}

std::vector<bool> flags_of(const std::vector<JudgeVerdict>& verdicts) {
  std::vector<bool> flags;
  for (const JudgeVerdict& verdict : verdicts) flags.push_back(verdict.flag.value_or(false));
  return flags;
}

}  // namespace slipway::eval
