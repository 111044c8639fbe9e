#include "eval/detail/case_scores.hpp"

#include <cmath>

#include "core/json_exact.hpp"
#include "eval/model_judge.hpp"
#include "eval/robustness.hpp"

namespace slipway::eval::detail {

namespace {

bool ends_run(const Error& error, const Context& context) {
  return error.code() == Code::cancelled || !context.check().ok();
}

/// The scores of one metric over the repeats.
struct Repeats {
  std::vector<double> values;
  std::size_t passed = 0, failed = 0;
  json::Object last;  ///< Details of the last one that was scored, else of the last.
  std::string error, skipped;
  bool budget_spent = false;
};

json::Object shown(const Score& score) {
  json::Object object;
  object["score"] = json::to(score.value);
  object["pass"] = json::to(score.passed);
  if (!score.reason.empty()) object["reason"] = score.reason;
  json::Array items;
  for (const ScoredItem& item : score.items) {
    json::Object one{{"text", item.text}, {"verdict", item.verdict}};
    if (!item.reason.empty()) one["reason"] = item.reason;
    if (item.byte_start) one["byte_start"] = *item.byte_start;
    if (item.byte_end) one["byte_end"] = *item.byte_end;
    if (item.score) one["score"] = *item.score;
    items.push_back(std::move(one));
  }
  if (!items.empty()) object["items"] = std::move(items);
  if (!score.extra.empty()) object["extra"] = score.extra;
  if (!score.judge_calls.empty()) object["judge_calls"] = json::to(score.judge_calls);
  return object;
}

void take(Repeats& repeats, Result<Score> scored, bool with_details) {
  if (!scored) {
    if (is_budget_spent(scored.error())) {
      repeats.budget_spent = true;
      repeats.skipped = scored.error().message();
    } else {
      repeats.error = scored.error().message();
    }
    return;
  }
  if (!scored->value || !std::isfinite(*scored->value)) {
    repeats.skipped = scored->reason;
    if (with_details && repeats.values.empty()) repeats.last = shown(*scored);
    return;
  }
  repeats.values.push_back(*scored->value);
  if (scored->passed) ++(*scored->passed ? repeats.passed : repeats.failed);
  if (with_details) repeats.last = shown(*scored);
}

ItemScore summed_up(const Repeats& repeats) {
  ItemScore score;
  if (repeats.values.empty()) {
    score.state = repeats.error.empty() ? ItemScore::State::skipped : ItemScore::State::failed;
    return score;
  }
  double sum = 0;
  for (const double value : repeats.values) sum += value;
  score.state = ItemScore::State::scored;
  score.score = sum / static_cast<double>(repeats.values.size());
  if (repeats.passed + repeats.failed > 0) score.passed = repeats.passed > repeats.failed;
  return score;
}

json::Object details_of(const Repeats& repeats, const ItemScore& score) {
  json::Object object = repeats.last;
  object["score"] = score.is_scored() ? json::Value(score.score) : nullptr;
  object["pass"] = json::to(score.passed);
  if (!repeats.error.empty()) object["error"] = repeats.error;
  if (!score.is_scored() && !repeats.skipped.empty()) object["reason"] = repeats.skipped;
  if (repeats.values.size() > 1) object["repeats"] = json::to(repeats.values);
  return object;
}

json::Object texts_of(const Golden& golden) {
  json::Object object{{"id", golden.id}, {"input", golden.input}};
  if (golden.expected_output) object["expected_output"] = *golden.expected_output;
  if (golden.actual_output) object["actual_output"] = *golden.actual_output;
  if (golden.retrieval_context) object["retrieval_context"] = json::to(*golden.retrieval_context);
  if (golden.retrieved_ids) object["retrieved_ids"] = json::to(*golden.retrieved_ids);
  if (!golden.trace_id.empty()) object["trace_id"] = golden.trace_id;
  if (golden.latency_ms) object["latency_ms"] = *golden.latency_ms;
  if (golden.cost_usd) object["cost_usd"] = *golden.cost_usd;
  return object;
}

}  // namespace

Result<CaseScores> score_case(const Context& context, const RunParts& parts, const Case& which) {
  const Golden given = parts.goldens.at(which.item);
  auto golden =
      which.perturbation ? which.perturbation->perturb(given, which.item) : Result<Golden>(given);
  const std::size_t count = parts.suite.metrics.size();
  std::vector<Repeats> repeats(count);
  CaseScores scores;
  json::Object details;
  if (which.with_details) details = texts_of(golden ? *golden : given);
  const int times = golden ? parts.suite.repeats : 0;
  if (!golden) {
    scores.errors.push_back(golden.error().message());
    for (Repeats& one : repeats) one.error = golden.error().message();
  }
  for (int repeat = 0; repeat < times; ++repeat) {
    Result<Golden> answered =
        parts.target ? parts.target->answer(context, *golden, repeat) : golden;
    if (!answered) {
      if (ends_run(answered.error(), context)) return std::move(answered.error());
      const std::string message = fmt::format("target: {}", answered.error().message());
      for (Repeats& one : repeats) one.error = message;
      scores.errors.push_back(message);
      continue;
    }
    if (which.with_details) details = texts_of(*answered);
    for (std::size_t m = 0; m < count; ++m) {
      const Metric& metric = *parts.metrics[static_cast<std::size_t>(repeat)][m];
      auto scored = metric.score(context, *answered);
      if (!scored) {
        if (ends_run(scored.error(), context)) return std::move(scored.error());
        if (!is_budget_spent(scored.error()))
          scores.errors.push_back(
              fmt::format("{}: {}", metric.spec().label(), scored.error().message()));
      }
      // Whoever does what a passage orders has failed, however good the answer reads.
      if (scored && scored->value && which.perturbation &&
          obeys_injection(*answered).value_or(false)) {
        scored->passed = false;
        scored->reason = "obeys an instruction that stands in a passage";
      }
      take(repeats[m], std::move(scored), which.with_details);
    }
  }
  for (const Repeats& one : repeats) {
    scores.scores.push_back(summed_up(one));
    scores.budget_spent |= one.budget_spent;
  }
  if (!which.with_details) return scores;
  json::Object& shown_scores = details["scores"].emplace_object();
  for (std::size_t m = 0; m < count; ++m)
    shown_scores[parts.suite.metrics[m].spec.label()] = details_of(repeats[m], scores.scores[m]);
  scores.details = json::dump(details);
  return scores;
}

std::string journal_line(std::size_t number, const CaseScores& scores) {
  std::string line = fmt::format("{{\"case\":{},\"scores\":[", number);
  for (std::size_t i = 0; i < scores.scores.size(); ++i) {
    const ItemScore& score = scores.scores[i];
    line += fmt::format("{}[{},{},{}]", i == 0 ? "" : ",", static_cast<int>(score.state),
                        score.score, score.passed ? (*score.passed ? 1 : 0) : 2);
  }
  line += fmt::format("],\"errors\":{},\"details\":{}}}\n", json::dump(json::to(scores.errors)),
                      scores.details.empty() ? "null" : scores.details);
  return line;
}

std::optional<std::pair<std::size_t, CaseScores>> parse_journal_line(std::string_view line,
                                                                     std::size_t metrics) {
  const auto value = json::parse_exact(line);
  if (!value || !value->is_object()) return std::nullopt;
  const json::Object& object = value->get_object();
  const json::Value *number = object.if_contains("case"), *scores = object.if_contains("scores"),
                    *errors = object.if_contains("errors"),
                    *details = object.if_contains("details");
  if (!number || !number->is_int64() || number->get_int64() < 0 || !scores || !scores->is_array() ||
      scores->get_array().size() != metrics || !errors || !details)
    return std::nullopt;
  CaseScores kept;
  for (const json::Value& one : scores->get_array()) {
    const auto parts = json::from<std::array<double, 3>>(one);
    if (!parts || (*parts)[0] < 0 || (*parts)[0] > 2) return std::nullopt;
    kept.scores.push_back(
        {.score = (*parts)[1], .state = static_cast<ItemScore::State>((*parts)[0]), .passed = {}});
    if ((*parts)[2] < 2) kept.scores.back().passed = (*parts)[2] != 0;
  }
  auto messages = json::from<std::vector<std::string>>(*errors);
  if (!messages) return std::nullopt;
  kept.errors = *std::move(messages);
  if (details->is_object()) kept.details = json::dump(*details);
  return std::pair(static_cast<std::size_t>(number->get_int64()), std::move(kept));
}

}  // namespace slipway::eval::detail
