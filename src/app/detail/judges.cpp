#include "app/detail/judges.hpp"

namespace slipway::app::detail {

Result<std::shared_ptr<models::Embedder>> open_evidence_embedder(App& app,
                                                                 const std::string& name) {
  if (name == "none") return std::shared_ptr<models::Embedder>();
  const std::string wanted = name.empty() ? TRY(app.config())->config.defaults.embedder : name;
  auto found = TRY(app.catalog())->embedder(app.context(), wanted);
  if (found) return std::move(*found);
  if (!name.empty() || found.error().code() != Code::not_found) return std::move(found.error());
  app.note("no embedder is installed: local evidence goes by words alone");
  return std::shared_ptr<models::Embedder>();
}

Result<std::unique_ptr<eval::ModelJudge>> Judges::open(
    const eval::JudgeSpec& spec, const std::optional<eval::BudgetSpec>& budget,
    const std::filesystem::path& folder) {
  models::Catalog* const catalog = TRY(app_.catalog());
  models_.push_back(TRY(catalog->chat_model(app_.context(), spec.model).within("judge")));
  embedders_.push_back(TRY(open_evidence_embedder(app_, spec.embedder).within("judge")));
  const std::filesystem::path prompts =
      spec.prompts.empty() ? std::filesystem::path() : folder / spec.prompts;
  const bool caches = uses_cache_ && spec.cache.value_or(true);
  if (caches && cache_ == nullptr)
    cache_ = TRY(eval::JudgeCache::open(TRY(app_.data_folder()) / "eval" / "judge_cache.db"));
  const eval::BudgetSpec limits = spec.budget ? *spec.budget : budget.value_or(eval::BudgetSpec());
  eval::JudgeParameters parameters;
  parameters.temperature = spec.temperature.value_or(parameters.temperature);
  parameters.max_tokens = spec.max_tokens.value_or(parameters.max_tokens);
  parameters.seed = spec.seed.value_or(parameters.seed);
  auto judge_prompts = TRY(eval::JudgePrompts::open(prompts).within("judge"));
  return eval::ModelJudge::make({.model = *models_.back(),
                                 .embedder = embedders_.back().get(),
                                 .price = catalog->price(spec.model),
                                 .prompts = std::move(judge_prompts),
                                 .parameters = parameters,
                                 .budget = {.usd = limits.usd, .calls = limits.calls},
                                 .cache = caches ? cache_.get() : nullptr})
      .within("judge");
}

}  // namespace slipway::app::detail
