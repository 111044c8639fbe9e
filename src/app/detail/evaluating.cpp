#include "app/detail/evaluating.hpp"

#include "app/detail/paid_chat_model.hpp"
#include "core/files.hpp"
#include "core/log.hpp"
#include "eval/targets.hpp"

namespace slipway::app::detail {

namespace {

/// What one evaluation has open, as long as any of its doors is there.
struct Opened {
  EvaluatingParts parts;
  Context context;
  std::shared_ptr<eval::JudgeCache> cache;
  std::vector<std::shared_ptr<models::ChatModel>> models;
  std::vector<std::shared_ptr<models::Embedder>> embedders;
};
using OpenedPtr = std::shared_ptr<Opened>;

Result<std::shared_ptr<models::Embedder>> open_embedder(Opened& opened, const std::string& name) {
  auto embedder = opened.parts.catalog->embedder(
      opened.context, name.empty() ? opened.parts.default_embedder : name);
  // Without the usual one local forms go by words alone, and their identity says so.
  if (!embedder && name.empty() && embedder.error().code() == Code::not_found)
    return std::shared_ptr<models::Embedder>();
  return embedder;
}

Result<std::unique_ptr<eval::ModelJudge>> open_judge(Opened& opened, const eval::Suite& suite) {
  const eval::JudgeSpec& spec = *suite.judge;
  models::Catalog& catalog = *opened.parts.catalog;
  auto model = TRY(catalog.chat_model(opened.context, spec.model));
  const auto price = catalog.price(spec.model);
  if (opened.parts.ledger != nullptr)
    model = paid_chat_model(std::move(model), price, judge_payer(spec.model), *opened.parts.ledger);
  opened.models.push_back(std::move(model));
  const auto embedder = TRY(open_embedder(opened, spec.embedder));
  if (embedder) opened.embedders.push_back(embedder);
  auto prompts = TRY(eval::JudgePrompts::open({}));
  eval::ModelJudgeOptions options{.model = *opened.models.back(),
                                  .embedder = embedder.get(),
                                  .price = price,
                                  .prompts = std::move(prompts),
                                  .cache = spec.cache.value_or(true) ? opened.cache.get() : nullptr,
                                  .recorder = opened.parts.recorder};
  options.parameters.temperature = spec.temperature.value_or(options.parameters.temperature);
  options.parameters.max_tokens = spec.max_tokens.value_or(options.parameters.max_tokens);
  options.parameters.seed = spec.seed.value_or(static_cast<std::int64_t>(suite.seed));
  const auto& budget = suite.budget ? suite.budget : spec.budget;
  if (budget) options.budget = {.usd = budget->usd, .calls = budget->calls};
  return eval::ModelJudge::make(std::move(options));
}

/// What names programs and other machines was refused before; here they could not be reached.
Result<std::unique_ptr<eval::Target>> open_target(Opened& opened, const eval::Suite& suite) {
  return eval::make_target(opened.context, *suite.target,
                           {.library = opened.parts.library.get(),
                            .catalog = opened.parts.catalog.get(),
                            .reach = http::Reach::public_only,
                            .allows_commands = false});
}

/// Shared with the command line: what was asked there is not paid again. Null where it cannot be.
std::shared_ptr<eval::JudgeCache> open_cache() {
  auto cache = eval::JudgeCache::open(cache_directory() / "eval" / "judge_replies.db");
  if (cache) return *std::move(cache);
  log::warning("evaluations: judges' replies are not kept: {}", cache.error().message());
  return nullptr;
}

}  // namespace

budgets::Payer judge_payer(const std::string& model) {
  budgets::Payer payer;
  payer.project = std::string(eval::judge_project);
  payer.model = model;
  return payer;
}

std::function<eval::Doors(const Context&)> evaluation_doors(EvaluatingParts parts) {
  struct Shared {
    Guarded<std::shared_ptr<eval::JudgeCache>> cache;
  };
  return [parts = std::move(parts), shared = std::make_shared<Shared>()](const Context&) {
    const auto opened = std::make_shared<Opened>();
    opened->parts = parts;
    opened->cache = shared->cache.with([](auto& cache) {
      if (!cache) cache = open_cache();
      return cache;
    });
    eval::Doors doors;
    doors.open_judge = [opened](const eval::Suite& suite) { return open_judge(*opened, suite); };
    doors.open_embedder = [opened](const std::string& name) {
      return open_embedder(*opened, name);
    };
    doors.open_target = [opened](const eval::Suite& suite) { return open_target(*opened, suite); };
    return doors;
  };
}

}  // namespace slipway::app::detail
