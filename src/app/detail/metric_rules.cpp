#include "app/detail/metric_rules.hpp"

#include <map>

#include "core/guarded.hpp"
#include "eval/metric.hpp"
#include "eval/trace_goldens.hpp"

namespace slipway::app::detail {

namespace {

struct Made {
  std::shared_ptr<const ScoringModels> scoring;  ///< Before the metric, which asks it.
  std::unique_ptr<eval::Metric> metric;
};
using MadePtr = std::shared_ptr<const Made>;

Result<MadePtr> make(const Context& context, const ScoringParts& parts,
                     const trace::Evaluator& evaluator) {
  auto spec = TRY(eval::parse_metric_spec(json::Value(evaluator.metric)).within("metric"));
  const std::shared_ptr<ScoringModels> scoring = ScoringModels::open(context, parts);
  if (!evaluator.model.empty()) TRY(scoring->open_judge(context, {.model = evaluator.model}, {}));
  auto metric = TRY(eval::make_metric(std::move(spec), scoring->scorers()).within("metric"));
  return std::make_shared<const Made>(Made{scoring, std::move(metric)});
}

class MetricRules {
 public:
  explicit MetricRules(MetricRuleParts parts) : parts_(std::move(parts)) {}

  Result<MadePtr> find(const Context& context, const trace::Evaluator& evaluator) {
    const std::string key = json::dump_canonical(json::Value(evaluator.metric)) + evaluator.model;
    if (auto known = made_.with([&](auto& all) { return all[key]; })) return known;
    const MadePtr made = TRY(make(context, parts_.scoring, evaluator));
    made_.with([&](auto& all) {
      if (all.size() >= made_max) all.clear();
      all[key] = made;
    });
    return made;
  }

  Result<std::vector<trace::Judgement>> score(const Context& context,
                                              const trace::Evaluator& evaluator,
                                              const trace::Run& run) {
    const MadePtr made = TRY(find(context, evaluator));
    const auto found = TRY(parts_.store.trace(context, run.trace_id, true));
    eval::Golden golden = eval::golden_of_run(run, found.runs);
    if (!run.parent_id && found.summary.cost) golden.cost_usd = found.summary.cost->dollars();
    eval::identify(golden);
    const eval::Score score = TRY(made->metric->score(context, golden));
    return std::vector{trace::Judgement{score.value, score.reason}};
  }

 private:
  static constexpr std::size_t made_max = 100;  ///< As many as there may be rules.
  const MetricRuleParts parts_;
  Guarded<std::map<std::string, MadePtr>> made_;
};

}  // namespace

trace::RunScorer metric_rules(MetricRuleParts parts) {
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
