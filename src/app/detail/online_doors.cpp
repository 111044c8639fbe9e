#include "app/detail/online_doors.hpp"

#include "core/log.hpp"

namespace slipway::app::detail {

namespace {

json::Value target_of(const budgets::AlertTarget& target) {
  json::Object object;
  const json::Value all = json::to(target);
  for (const auto& [key, value] : all.get_object()) {
    const bool is_empty = (value.is_string() && value.get_string().empty()) ||
                          (value.is_array() && value.get_array().empty());
    if (!is_empty) object[key] = value;
  }
  return json::Value(std::move(object));
}

}  // namespace

Result<std::vector<eval::OnlineEvaluator>> online_evaluators(const eval::EvaluationsConfig& config,
                                                             const ScoringParts& parts) {
  std::vector<eval::OnlineEvaluator> evaluators;
  for (std::size_t i = 0; i < config.online.size(); ++i) {
    eval::OnlineConfig entry = config.online[i];
    if (entry.name.empty()) entry.name = fmt::format("online-{}", i + 1);
    const std::string where = fmt::format("evaluations.online[{}]", i);
    const std::shared_ptr<ScoringModels> scoring = ScoringModels::open({}, parts);
    if (i == 0 && !scoring->embedder_missing().empty())
      log::warning("evaluations.online: local forms go by words alone: {}",
                   scoring->embedder_missing());
    if (entry.judge) {
      if (entry.judge->model.empty())
        return fail(Code::invalid_argument,
                    "{}: judge: a model is wanted for traces that nobody knows", where);
      const auto limits =
          entry.budget ? *entry.budget : entry.judge->budget.value_or(eval::BudgetSpec());
      TRY(scoring->open_judge({}, *entry.judge, {.usd = limits.usd, .calls = limits.calls})
              .within(where));
    }
    auto evaluator =
        TRY(eval::make_online_evaluator(std::move(entry), scoring->scorers()).within(where));
    evaluator.keeps = scoring;
    evaluators.push_back(std::move(evaluator));
  }
  return evaluators;
}

std::function<void(const eval::OnlineConfig&, const eval::OnlineDrop&)> tell_by(
    budgets::Ledger& ledger) {
  return [&ledger](const eval::OnlineConfig& config, const eval::OnlineDrop& drop) {
    const auto now = system_clock().now();
    // One an hour, also of several processes.
    const auto hour = std::chrono::floor<std::chrono::hours>(now.time_since_epoch()).count();
    const json::Object body{
        {"event", "alert"},      {"alert", drop.entry},     {"on", "evaluation_drop"},
        {"metric", drop.metric}, {"before", drop.before},   {"now", drop.now},
        {"bound", drop.bound},   {"margin", drop.margin},   {"n_before", drop.n_before},
        {"n_now", drop.n_now},   {"sample", config.sample}, {"time", format_time(now)},
        {"text", drop.text()}};
    for (const budgets::AlertTarget& target : config.send) {
      const std::string text = json::dump(target_of(target));
      const auto added =
          ledger.add_notice(fmt::format("online|{}|{}|{}|{}", drop.entry, drop.metric, hour, text),
                            text, json::dump(body));
      if (!added) log::warning("nobody is told of a drop: {}", added.error().message());
    }
  };
}

}  // namespace slipway::app::detail
