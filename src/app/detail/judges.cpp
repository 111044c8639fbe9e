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

Result<eval::ModelJudge*> Judges::make(const eval::JudgeSpec& spec,
                                       const std::optional<eval::BudgetSpec>& budget,
                                       const std::filesystem::path& folder) {
  const std::string key = json::dump(json::Array{
      json::to(spec), budget ? json::to(*budget) : json::Value(), json::to(folder.string())});
  if (const auto found = opened_.find(key); found != opened_.end())
    return found->second.judge.get();
  models::Catalog* const catalog = TRY(app_.catalog());
  Opened opened;
  opened.model = TRY(catalog->chat_model(app_.context(), spec.model).within("judge"));
  opened.embedder = TRY(open_evidence_embedder(app_, spec.embedder).within("judge"));
  const std::filesystem::path prompts =
      spec.prompts.empty() ? std::filesystem::path() : folder / spec.prompts;
  if (spec.cache.value_or(true) && cache_ == nullptr)
    cache_ = TRY(eval::JudgeCache::open(TRY(app_.data_folder()) / "eval" / "judge_cache.db"));
  const eval::BudgetSpec limits = spec.budget ? *spec.budget : budget.value_or(eval::BudgetSpec());
  eval::JudgeParameters parameters;
  parameters.temperature = spec.temperature.value_or(parameters.temperature);
  parameters.max_tokens = spec.max_tokens.value_or(parameters.max_tokens);
  parameters.seed = spec.seed.value_or(parameters.seed);
  opened.judge =
      TRY(eval::ModelJudge::make({.model = *opened.model,
                                  .embedder = opened.embedder.get(),
                                  .price = catalog->price(spec.model),
                                  .prompts = TRY(eval::JudgePrompts::open(prompts)),
                                  .parameters = parameters,
                                  .budget = {.usd = limits.usd, .calls = limits.calls},
                                  .cache = spec.cache.value_or(true) ? cache_.get() : nullptr,
                                  .recorder = recorder_})
              .within("judge"));
  return opened_.emplace(key, std::move(opened)).first->second.judge.get();
}

Result<std::unique_ptr<eval::Judge>> Judges::open(const eval::JudgeSpec& spec,
                                                  const std::optional<eval::BudgetSpec>& budget,
                                                  const std::filesystem::path& folder,
                                                  std::size_t sample) {
  return TRY(make(spec, budget, folder))->repeated(sample);
}

eval::JudgeSpent Judges::spent() const {
  eval::JudgeSpent all;
  for (const auto& [key, opened] : opened_) {
    const eval::JudgeSpent one = opened.judge->spent();
    all.calls += one.calls;
    all.cached += one.cached;
    all.input_tokens += one.input_tokens;
    all.output_tokens += one.output_tokens;
    all.usd += one.usd;
  }
  return all;
}

}  // namespace slipway::app::detail
