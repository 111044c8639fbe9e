#include "app/detail/online_doors.hpp"

#include "app/detail/evaluating.hpp"
#include "app/detail/paid_chat_model.hpp"
#include "core/log.hpp"
#include "eval/local_evidence.hpp"
#include "eval/model_judge.hpp"

namespace slipway::app::detail {

namespace {

/// In the order in which they end.
struct Kept {
  std::shared_ptr<models::Catalog> catalog;
  std::shared_ptr<models::Embedder> embedder;
  std::shared_ptr<models::ChatModel> model;
  std::unique_ptr<eval::LocalEvidence> evidence;
  std::unique_ptr<eval::ModelJudge> judge;
};

Result<void> open_judge(const eval::OnlineConfig& config, const OnlineParts& parts, Kept& kept) {
  const eval::JudgeSpec& spec = *config.judge;
  if (spec.model.empty())
    return fail(Code::invalid_argument, "judge: a model is wanted for traces that nobody knows");
  const auto price = kept.catalog->price(spec.model);
  kept.model = paid_chat_model(TRY(kept.catalog->chat_model({}, spec.model).within("judge")), price,
                               judge_payer(spec.model), parts.ledger);
  eval::ModelJudgeOptions options{.model = *kept.model,
                                  .embedder = kept.embedder.get(),
                                  .price = price,
                                  .prompts = TRY(eval::JudgePrompts::open(spec.prompts)),
                                  .cache = nullptr,
                                  .recorder = parts.recorder,
                                  .day_clock = &system_clock()};
  options.parameters.temperature = spec.temperature.value_or(options.parameters.temperature);
  options.parameters.max_tokens = spec.max_tokens.value_or(options.parameters.max_tokens);
  const auto& budget = config.budget ? config.budget : spec.budget;
  if (budget) options.budget = {.usd = budget->usd, .calls = budget->calls};
  kept.judge = TRY(eval::ModelJudge::make(std::move(options)));
  return {};
}

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
                                                             const OnlineParts& parts) {
  const auto& catalog = parts.catalog;
  std::vector<eval::OnlineEvaluator> evaluators;
  std::shared_ptr<models::Embedder> embedder;
  if (!config.online.empty()) {
    auto opened = catalog->embedder({}, parts.default_embedder);
    if (opened)
      embedder = *opened;
    else
      log::warning("evaluations.online: local forms go by words alone: {}",
                   opened.error().message());
  }
  for (std::size_t i = 0; i < config.online.size(); ++i) {
    eval::OnlineConfig entry = config.online[i];
    if (entry.name.empty()) entry.name = fmt::format("online-{}", i + 1);
    const std::string where = fmt::format("evaluations.online[{}]", i);
    auto kept = std::make_shared<Kept>();
    kept->catalog = catalog;
    kept->embedder = embedder;
    kept->evidence = std::make_unique<eval::LocalEvidence>(embedder.get());
    if (entry.judge) TRY(open_judge(entry, parts, *kept).within(where));
    auto evaluator =
        TRY(eval::make_online_evaluator(std::move(entry),
                                        {.judge = kept->judge.get(), .local = kept->evidence.get()})
                .within(where));
    evaluator.keeps = kept;
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
