#include "app/detail/metric_rules.hpp"

#include <map>

#include "app/detail/evaluating.hpp"
#include "app/detail/paid_chat_model.hpp"
#include "core/guarded.hpp"
#include "eval/local_evidence.hpp"
#include "eval/metric.hpp"
#include "eval/model_judge.hpp"
#include "eval/trace_goldens.hpp"

namespace slipway::app::detail {

namespace {

/// A metric with what it asks, in the order in which they end.
struct Made {
  std::shared_ptr<models::Embedder> embedder;
  std::shared_ptr<models::ChatModel> model;
  std::unique_ptr<eval::LocalEvidence> evidence;
  std::unique_ptr<eval::ModelJudge> judge;
  std::unique_ptr<eval::Metric> metric;
};
using MadePtr = std::shared_ptr<const Made>;

Result<MadePtr> make(const Context& context, const MetricRuleParts& parts,
                     const trace::Evaluator& evaluator) {
  auto made = std::make_shared<Made>();
  auto spec = TRY(eval::parse_metric_spec(json::Value(evaluator.metric)).within("metric"));
  auto embedder = parts.catalog->embedder(context, parts.default_embedder);
  // Without one local forms go by words alone.
  if (embedder) made->embedder = *std::move(embedder);
  made->evidence = std::make_unique<eval::LocalEvidence>(made->embedder.get());
  if (!evaluator.model.empty()) {
    const auto price = parts.catalog->price(evaluator.model);
    made->model =
        paid_chat_model(TRY(parts.catalog->chat_model(context, evaluator.model).within("model")),
                        price, judge_payer(evaluator.model), parts.ledger);
    made->judge = TRY(eval::ModelJudge::make({.model = *made->model,
                                              .embedder = made->embedder.get(),
                                              .price = price,
                                              .prompts = TRY(eval::JudgePrompts::open({})),
                                              .recorder = parts.recorder}));
  }
  made->metric = TRY(eval::make_metric(std::move(spec),
                                       {.judge = made->judge.get(), .local = made->evidence.get()})
                         .within("metric"));
  return MadePtr(std::move(made));
}

class MetricRules {
 public:
  explicit MetricRules(MetricRuleParts parts) : parts_(std::move(parts)) {}

  Result<MadePtr> find(const Context& context, const trace::Evaluator& evaluator) {
    const std::string key = json::dump_canonical(json::Value(evaluator.metric)) + evaluator.model;
    if (auto known = made_.with([&](auto& all) { return all[key]; })) return known;
    const MadePtr made = TRY(make(context, parts_, evaluator));
    made_.with([&](auto& all) {
      if (all.size() >= made_max) all.clear();
      all[key] = made;
    });
    return made;
  }

  Result<trace::Judgement> score(const Context& context, const trace::Evaluator& evaluator,
                                 const trace::Run& run) {
    const MadePtr made = TRY(find(context, evaluator));
    const auto found = TRY(parts_.store.trace(context, run.trace_id, true));
    eval::Golden golden = eval::golden_of_run(run, found.runs);
    if (!run.parent_id && found.summary.cost) golden.cost_usd = found.summary.cost->dollars();
    eval::identify(golden);
    const eval::Score score = TRY(made->metric->score(context, golden));
    return trace::Judgement{score.value, score.reason};
  }

 private:
  static constexpr std::size_t made_max = 100;  ///< As many as there may be rules.
  const MetricRuleParts parts_;
  Guarded<std::map<std::string, MadePtr>> made_;
};

}  // namespace

trace::MetricScorer metric_rules(MetricRuleParts parts) {
  const auto rules = std::make_shared<MetricRules>(std::move(parts));
  return {
      .check = [rules](const Context& context, const trace::Evaluator& evaluator) -> Result<void> {
        TRY(rules->find(context, evaluator));
        return {};
      },
      .score = [rules](const Context& context, const trace::Evaluator& evaluator,
                       const trace::Run& run) { return rules->score(context, evaluator, run); }};
}

}  // namespace slipway::app::detail
