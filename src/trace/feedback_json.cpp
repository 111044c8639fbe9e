// Feedback as LangSmith's clients write and read it.
#include <cmath>

#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/times.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

/// FeedbackCreate; members that are not here change nothing.
struct Wire {
  std::optional<std::string> id, run_id, trace_id, session_id, project_id, key, comment,
      comparative_experiment_id, feedback_group_id, start_time;
  json::Value score, value, correction;
  std::optional<json::Object> feedback_source, extra;
  std::optional<bool> error;
};
BOOST_DESCRIBE_STRUCT(Wire, (),
                      (id, run_id, trace_id, session_id, project_id, key, comment,
                       comparative_experiment_id, feedback_group_id, start_time, score, value,
                       correction, feedback_source, extra, error))

Result<json::Value> score_of(const json::Value& value) {
  if (value.is_null() || value.is_bool()) return value;
  if (!value.is_number() || !std::isfinite(value.to_number<double>()))
    return fail(Code::invalid_argument, "score: a number, true or false is wanted, got {}",
                json::dump(value).substr(0, 60));
  return value;
}

Result<json::Value> correction_of(const json::Value& value) {
  if (!value.is_null() && !value.is_string() && !value.is_object())
    return fail(Code::invalid_argument, "correction: an object or a text is wanted, got {}",
                json::kind_name(value));
  return value;
}

json::Value uuid_value(const std::optional<std::string>& id) {
  return id ? json::Value(as_uuid(*id)) : json::Value();
}

}  // namespace

Result<Feedback> read_feedback(const json::Value& value) {
  const Wire wire = TRY(json::from<Wire>(value, json::Policy::ignore_unknown).within("feedback"));
  Feedback one;
  one.id = wire.id.value_or("");
  one.run_id = wire.run_id ? wire.run_id : wire.trace_id;
  one.trace_id = wire.trace_id;
  one.session_id = wire.session_id ? wire.session_id : wire.project_id;
  one.key = wire.key.value_or("");
  if (one.key.empty()) return fail(Code::invalid_argument, "key: is missing");
  one.score = TRY(score_of(wire.score));
  one.value = wire.value;
  one.correction = TRY(correction_of(wire.correction));
  one.comment = wire.comment;
  one.source = wire.feedback_source.value_or(json::Object());
  one.extra = wire.extra.value_or(json::Object());
  one.comparative_experiment_id = wire.comparative_experiment_id;
  one.feedback_group_id = wire.feedback_group_id;
  one.error = wire.error;
  if (wire.start_time)
    one.start_time =
        TRY(detail::parse_nanoseconds(detail::with_zone(*wire.start_time)).within("start_time"));
  return one;
}

json::Object feedback_json(const Feedback& one) {
  const auto text = [](const std::optional<std::string>& value) {
    return value ? json::Value(boost::json::string(*value)) : json::Value();
  };
  return {{"id", one.id},
          {"created_at", detail::time_text(one.created)},
          {"modified_at", detail::time_text(one.modified)},
          {"run_id", uuid_value(one.run_id)},
          {"trace_id", uuid_value(one.trace_id)},
          {"session_id", uuid_value(one.session_id)},
          {"start_time",
           one.start_time ? json::Value(detail::time_text(*one.start_time)) : json::Value()},
          {"key", one.key},
          {"score", one.score},
          {"value", one.value},
          {"comment", text(one.comment)},
          {"correction", one.correction},
          {"feedback_source", one.source},
          {"feedback_group_id", text(one.feedback_group_id)},
          {"comparative_experiment_id", text(one.comparative_experiment_id)},
          {"extra", one.extra.empty() ? json::Value() : json::Value(one.extra)},
          {"error", one.error ? json::Value(*one.error) : json::Value()}};
}

Result<FeedbackChange> read_feedback_change(const json::Value& value) {
  if (!value.is_object())
    return fail(Code::invalid_argument, "the body: an object is wanted, got {}",
                json::kind_name(value));
  const json::Object& body = value.get_object();
  FeedbackChange change;
  if (const json::Value* score = body.if_contains("score")) change.score = TRY(score_of(*score));
  if (const json::Value* given = body.if_contains("value")) change.value = *given;
  if (const json::Value* correction = body.if_contains("correction"))
    change.correction = TRY(correction_of(*correction));
  if (const json::Value* comment = body.if_contains("comment")) {
    if (!comment->is_null() && !comment->is_string())
      return fail(Code::invalid_argument, "comment: a text is wanted, got {}",
                  json::kind_name(*comment));
    change.comment = comment->is_null() ? std::optional<std::string>()
                                        : std::optional(std::string(comment->get_string()));
  }
  return change;
}

void FeedbackStat::add(const FeedbackStat& other) {
  count += other.count;
  errors += other.errors;
  sum += other.sum;
  sum_of_squares += other.sum_of_squares;
  scores += other.scores;
  constexpr std::size_t values_max = 100;
  for (const auto& [value, times] : other.values)
    if (values.contains(value) || values.size() < values_max) values[value] += times;
}

std::optional<double> FeedbackStat::mean() const {
  return scores == 0 ? std::nullopt : std::optional(sum / static_cast<double>(scores));
}

std::optional<double> FeedbackStat::deviation() const {
  if (scores == 0) return std::nullopt;
  const double n = static_cast<double>(scores), average = sum / n;
  return std::sqrt(std::max(0.0, sum_of_squares / n - average * average));
}

json::Object feedback_stats_json(const FeedbackStats& stats) {
  const auto number = [](const std::optional<double>& value) {
    return value ? json::Value(*value) : json::Value();
  };
  json::Object all;
  for (const auto& [key, stat] : stats)
    all[key] = json::Object{{"n", stat.count},
                            {"avg", number(stat.mean())},
                            {"stdev", number(stat.deviation())},
                            {"errors", stat.errors},
                            {"values", json::to(stat.values)},
                            {"comments", json::Array()},
                            {"sources", json::Array()},
                            {"show_feedback_arrow", false},
                            {"contains_thread_feedback", false},
                            {"type", "PRIMARY"}};
  return all;
}

}  // namespace slipway::trace
