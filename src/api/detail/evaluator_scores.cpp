// What online evaluators found of late. Only of what they were given: nothing is said of runs that
// were not sampled.
#include <map>

#include "api/detail/evaluation_routes.hpp"
#include "trace/evaluators.hpp"

namespace slipway::api::detail {

namespace {

constexpr auto period = std::chrono::hours(24);
constexpr int page_size = 1000;
constexpr int feedback_max = 50'000;  // Of one key, the youngest; so many tell an hour's mean well.

/// Scores of one stretch of time, by their sums.
struct Sums {
  std::int64_t n = 0, errors = 0;
  double sum = 0, sum_of_squares = 0;

  void add(const trace::Feedback& one) {
    if (one.error == true || !one.score.is_number()) {
      errors += one.error == true ? 1 : 0;
      return;
    }
    const auto score = one.score.to_number<double>();
    ++n;
    sum += score;
    sum_of_squares += score * score;
  }
};

bool is_of(const trace::Feedback& one, const std::string& rule_id) {
  const json::Value* metadata = one.source.if_contains("metadata");
  if (!metadata || !metadata->is_object()) return false;
  const json::Value* id = metadata->get_object().if_contains("evaluator_id");
  return id && id->is_string() && id->get_string() == rule_id;
}

trace::Nanoseconds nanoseconds(Clock::Time time) {
  return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

std::string hour_text(std::int64_t hour) {
  return format_time(Clock::Time(std::chrono::hours(hour)));
}

Result<EvaluatorScores> scores_of(const Context& context, trace::Feedbacks& feedbacks,
                                  const trace::Rule& rule) {
  const auto since = nanoseconds(system_clock().now() - period);
  constexpr std::int64_t hour_length = std::int64_t{3600} * 1'000'000'000;
  Sums all;
  std::map<std::int64_t, Sums> hours;
  trace::FeedbackQuery query;
  query.keys = {rule.key};
  query.limit = page_size;
  for (bool has_more = true; has_more && query.offset < feedback_max; query.offset += page_size) {
    TRY(context.check());
    const auto page = TRY(feedbacks.list(context, query));
    has_more = page.size() == page_size;
    for (const trace::Feedback& one : page) {
      if (one.created < since) {
        has_more = false;
        break;
      }
      if (!is_of(one, rule.id)) continue;
      all.add(one);
      hours[one.created / hour_length].add(one);
    }
  }
  const auto summary = eval::summary_of_sums(rule.key, all.n, all.sum, all.sum_of_squares);
  EvaluatorScores scores{.sample = rule.sample,
                         .mean = summary.mean,
                         .low = summary.low,
                         .high = summary.high,
                         .method = summary.method,
                         .n = all.n,
                         .errors = all.errors};
  for (const auto& [hour, sums] : hours) {
    const auto one = eval::summary_of_sums(rule.key, sums.n, sums.sum, sums.sum_of_squares);
    scores.hours.push_back({hour_text(hour), one.mean, one.low, one.high, one.n});
  }
  return scores;
}

}  // namespace

void mount_evaluator_scores(http::Api& api, const EvaluationDeskPtr& desk) {
  api.get<EvaluatorPath, EvaluatorScores>(
      "/api/evaluators/{id}/scores",
      {.summary = "What an evaluator found in the last 24 hours, with intervals",
       .description = "Of the runs that were sampled: `n` of them have a score. Nothing is said of "
                      "the others.",
       .tag = "evaluators",
       .role = "read",
       .name = "get_evaluator_scores",
       .fails = {Code::not_found}},
      [desk](const http::Call& call, const EvaluatorPath& path) -> Result<EvaluatorScores> {
        const trace::Rule rule = TRY(desk->services.rules.get(path.id));
        return scores_of(call.context(), desk->services.datasets.traces.feedbacks, rule);
      });
}

}  // namespace slipway::api::detail
