#include "app/detail/scoring_models.hpp"

#include "app/detail/evaluating.hpp"
#include "app/detail/paid_chat_model.hpp"

namespace slipway::app::detail {

std::shared_ptr<ScoringModels> ScoringModels::open(const Context& context,
                                                   const ScoringParts& parts) {
  const std::shared_ptr<ScoringModels> scoring(new ScoringModels(parts));
  auto embedder = parts.catalog->embedder(context, parts.default_embedder);
  if (embedder)
    scoring->embedder_ = *std::move(embedder);
  else
    scoring->embedder_missing_ = embedder.error().message();
  scoring->evidence_ = std::make_unique<eval::LocalEvidence>(scoring->embedder_.get());
  return scoring;
}

Result<void> ScoringModels::open_judge(const Context& context, const eval::JudgeSpec& spec,
                                       const eval::JudgeBudget& budget_of_a_day) {
  const auto price = parts_.catalog->price(spec.model);
  model_ = paid_chat_model(TRY(parts_.catalog->chat_model(context, spec.model).within("judge")),
                           price, judge_payer(spec.model), parts_.ledger);
  auto prompts = TRY(eval::JudgePrompts::open(spec.prompts).within("judge"));
  eval::ModelJudgeOptions options{.model = *model_,
                                  .embedder = embedder_.get(),
                                  .price = price,
                                  .prompts = std::move(prompts),
                                  .budget = budget_of_a_day,
                                  .cache = nullptr,
                                  .recorder = parts_.recorder,
                                  .day_clock = &system_clock()};
  options.parameters.temperature = spec.temperature.value_or(options.parameters.temperature);
  options.parameters.max_tokens = spec.max_tokens.value_or(options.parameters.max_tokens);
  judge_ = TRY(eval::ModelJudge::make(std::move(options)).within("judge"));
  return {};
}

}  // namespace slipway::app::detail
