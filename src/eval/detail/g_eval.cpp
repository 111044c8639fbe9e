// G-Eval (Liu et al. 2023) as deepeval 4.3.1 has it: metrics/g_eval/utils.py.
#include <algorithm>
#include <cmath>
#include <map>

#include "eval/detail/judged_metrics.hpp"
#include "eval/detail/steps.hpp"

namespace slipway::eval {

namespace {

struct Graded {
  double score = 0;
  bool is_whole = false;  ///< Written without a fraction.
  std::string reason;
  std::optional<std::vector<TokenLogprob>> logprobs;
};

std::optional<int> decimal(std::string_view token) {
  constexpr std::size_t digits_max = 9;
  if (token.empty() || token.size() > digits_max) return std::nullopt;
  int value = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// The score weighted by what else its last token could have been; the score itself where the
/// probabilities do not tell.
double weighted(const Graded& graded) {
  constexpr double probability_min = 0.01;
  if (!graded.logprobs || !graded.is_whole) return graded.score;
  const std::string token = fmt::format("{}", static_cast<std::int64_t>(graded.score));
  const auto last = std::find_if(graded.logprobs->rbegin(), graded.logprobs->rend(),
                                 [&](const TokenLogprob& at) { return at.token == token; });
  if (last == graded.logprobs->rend()) return graded.score;
  double sum = 0, weight = 0;
  for (const TokenChoice& choice : last->top) {
    const auto value = decimal(choice.token);
    if (!value || !(choice.logprob >= std::log(probability_min))) continue;
    const double probability = std::exp(choice.logprob);
    sum += *value * probability;
    weight += probability;
  }
  return weight > 0 ? sum / weight : graded.score;
}

json::Object values_of(const Case& at, const std::vector<std::string>& steps) {
  json::Object shown;
  const json::Object all = to_json(at.golden());
  std::vector<std::string> members = at.texts("evaluation_params");
  if (members.empty()) members = {"input", "actual_output"};
  for (const std::string& member : members)
    if (const json::Value* value = all.if_contains(member)) shown[member] = *value;
  json::Object values{{"criteria", at.text("criteria", "")}, {"case", std::move(shown)}};
  if (!steps.empty()) values["evaluation_steps"] = at.list(steps);
  const auto [low, high] = at.pair("score_range", {0, 10});
  values["score_min"] = at.settings().spec.strict_mode ? 0 : low;
  values["score_max"] = at.settings().spec.strict_mode ? 1 : high;
  return values;
}

}  // namespace

Result<Score> g_eval(Case& at) {
  std::vector<std::string> steps = at.texts("evaluation_steps");
  if (steps.empty()) {
    // Of the criteria, not of the case: every case gets the same.
    json::Object values{{"criteria", at.text("criteria", "")},
                        {"members", at.list(at.texts("evaluation_params"))}};
    steps = TRY(ask_unused_texts(at, "steps", std::move(values)));
  }
  Graded graded;
  TRY(at.ask_with_logprobs("score", values_of(at, steps),
                           [&](const json::Object& reply, const JudgeReply& raw) -> Result<void> {
                             const json::Value* value = reply.if_contains("score");
                             const auto number = value ? reply_number(*value) : std::nullopt;
                             if (!number)
                               return fail(Code::invalid_argument,
                                           "the reply's 'score' is not a number");
                             graded = {.score = *number,
                                       .is_whole = value->is_int64(),
                                       .reason = reply_text(reply, "reason"),
                                       .logprobs = raw.logprobs};
                             return {};
                           }));
  if (at.settings().spec.strict_mode) return scored(std::trunc(graded.score), graded.reason);
  const auto [low, high] = at.pair("score_range", {0, 10});
  Score score = scored((weighted(graded) - low) / (high - low), graded.reason);
  score.extra["raw"] = graded.score;
  if (graded.logprobs) score.extra["weighted"] = weighted(graded);
  return score;
}

}  // namespace slipway::eval
