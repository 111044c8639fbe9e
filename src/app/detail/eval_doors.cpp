#include "app/detail/eval_doors.hpp"

#include "core/files.hpp"

namespace slipway::app::detail {

eval::Doors EvalDoors::doors() {
  eval::Doors doors;
  doors.open_judge = [this](const eval::Suite& suite) { return open_judge(suite); };
  doors.open_embedder = [this](const std::string& name) { return open_embedder(name); };
  return doors;
}

Result<std::shared_ptr<models::Embedder>> EvalDoors::open_embedder(const std::string& name) {
  models::Catalog* catalog = TRY(app_.catalog());
  const std::string usual = TRY(app_.config())->config.defaults.embedder;
  auto embedder = catalog->embedder(app_.context(), name.empty() ? usual : name);
  // Without the usual one local forms go by words alone, and say so.
  if (!embedder && name.empty() && embedder.error().code() == Code::not_found) {
    app_.note(fmt::format("no embedder is installed, so local forms go by words alone: {}",
                          embedder.error().message()));
    return std::shared_ptr<models::Embedder>();
  }
  return embedder;
}

Result<std::unique_ptr<eval::ModelJudge>> EvalDoors::open_judge(const eval::Suite& suite) {
  const eval::JudgeSpec& spec = *suite.judge;
  models::Catalog* catalog = TRY(app_.catalog());
  models_.push_back(TRY(catalog->chat_model(app_.context(), spec.model)));
  const auto embedder = TRY(open_embedder(spec.embedder));
  if (embedder) embedders_.push_back(embedder);
  const bool caches = uses_cache_ && spec.cache.value_or(true);
  if (caches && !cache_)
    cache_ = TRY(eval::JudgeCache::open(cache_directory() / "eval" / "judge_replies.db"));
  eval::ModelJudgeOptions options{
      .model = *models_.back(),
      .embedder = embedder.get(),
      .price = catalog->price(spec.model),
      .prompts = TRY(eval::JudgePrompts::open(spec.prompts.empty() ? std::filesystem::path()
                                                                   : suite.resolve(spec.prompts))),
      .cache = caches ? cache_.get() : nullptr};
  options.parameters.temperature = spec.temperature.value_or(options.parameters.temperature);
  options.parameters.max_tokens = spec.max_tokens.value_or(options.parameters.max_tokens);
  options.parameters.seed = spec.seed.value_or(static_cast<std::int64_t>(suite.seed));
  const auto& budget = suite.budget ? suite.budget : spec.budget;
  if (budget) options.budget = {.usd = budget->usd, .calls = budget->calls};
  return eval::ModelJudge::make(std::move(options));
}

}  // namespace slipway::app::detail
