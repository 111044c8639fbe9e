#include "eval/detail/stat_gate.hpp"

#include "eval/gate.hpp"

namespace slipway::eval::detail {

using Numbers = std::vector<std::optional<double>>;

struct GateMetricArgs {
  std::string name;
  double margin = 0.05;
  Numbers baseline, candidate;
  std::vector<json::Value> clusters;
  bool lower_is_better = false;
  double threshold = 0.5;
  static constexpr std::string_view required[] = {"name", "baseline", "candidate"};
  Result<void> validate() const {
    if (!(margin > 0)) return fail(Code::invalid_argument, "margin {} is not above 0", margin);
    if (baseline.size() != candidate.size())
      return fail(Code::invalid_argument,
                  "baseline has {} values and candidate {}; the comparison is paired",
                  baseline.size(), candidate.size());
    if (!clusters.empty() && clusters.size() != baseline.size())
      return fail(Code::invalid_argument, "clusters has {} entries for {} values", clusters.size(),
                  baseline.size());
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(GateMetricArgs, (),
                      (name, margin, baseline, candidate, clusters, lower_is_better, threshold))

enum class InconclusiveMeans { pass, fail };
BOOST_DESCRIBE_ENUM(InconclusiveMeans, pass, fail)

/// Beside each value of the metrics: which item it is of. Without `baseline` and `candidate` an
/// item passes where each of its metrics reaches its threshold.
struct GateItemArgs {
  json::Value id;
  std::string severity = "normal";
  std::optional<bool> baseline, candidate;
  static constexpr std::string_view required[] = {"id"};
  Result<void> validate() const {
    if (severity != "normal" && severity != "critical")
      return fail(Code::invalid_argument, "severity '{}' is neither critical nor normal", severity);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(GateItemArgs, (), (id, severity, baseline, candidate))

struct GateArgs {
  double alpha = 0.05;
  std::uint64_t seed = 1;
  std::size_t resamples = 10000;
  InconclusiveMeans inconclusive = InconclusiveMeans::pass;
  std::vector<GateItemArgs> items;
  std::vector<GateMetricArgs> metrics;
  static constexpr std::string_view required[] = {"metrics"};
  Result<void> validate() const {
    if (!(alpha > 0 && alpha < 0.5))
      return fail(Code::invalid_argument, "alpha {} is not between 0 and 0.5", alpha);
    if (resamples < 1 || resamples > 1'000'000)
      return fail(Code::invalid_argument, "resamples {} is not in 1..1000000", resamples);
    for (std::size_t i = 0; i < metrics.size(); ++i)
      if (!items.empty() && items.size() != metrics[i].baseline.size() &&
          std::any_of(items.begin(), items.end(),
                      [](const GateItemArgs& item) { return !item.baseline || !item.candidate; }))
        return fail(Code::invalid_argument,
                    "items has {} entries for {} values of metric '{}'; give each item's baseline "
                    "and candidate, or one item per value",
                    items.size(), metrics[i].baseline.size(), metrics[i].name);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(GateArgs, (), (alpha, seed, resamples, inconclusive, items, metrics))

namespace {

GateMetric pairs_of(const GateMetricArgs& args) {
  GateMetric metric{.name = args.name,
                    .margin = args.margin,
                    .pairs = {},
                    .lower_is_better = args.lower_is_better};
  std::vector<std::string> clusters;
  for (std::size_t i = 0; i < args.baseline.size(); ++i) {
    if (!args.baseline[i] || !args.candidate[i]) continue;
    metric.pairs.baseline.push_back(*args.baseline[i]);
    metric.pairs.candidate.push_back(*args.candidate[i]);
    if (!args.clusters.empty()) clusters.push_back(json::dump(args.clusters[i]));
  }
  if (!clusters.empty()) metric.pairs.clusters = number_clusters(clusters);
  return metric;
}

/// Whether an item passes on one side by the metrics' thresholds; absent: no metric scored it.
std::optional<bool> passes(const GateArgs& args, std::size_t item, Numbers GateMetricArgs::*side) {
  std::optional<bool> passed;
  for (const GateMetricArgs& metric : args.metrics) {
    const std::optional<double>& score = (metric.*side)[item];
    if (!score) continue;
    const bool good =
        metric.lower_is_better ? *score <= metric.threshold : *score >= metric.threshold;
    passed = passed.value_or(true) && good;
  }
  return passed;
}

json::Array critical_items(const GateArgs& args) {
  json::Array critical;
  for (std::size_t i = 0; i < args.items.size(); ++i) {
    const GateItemArgs& item = args.items[i];
    if (item.severity != "critical") continue;
    const auto before = item.baseline ? item.baseline : passes(args, i, &GateMetricArgs::baseline);
    const auto now = item.candidate ? item.candidate : passes(args, i, &GateMetricArgs::candidate);
    if (before.value_or(false) && !now.value_or(true)) critical.push_back(item.id);
  }
  return critical;
}

/// Values that only one side has, or none.
std::size_t missing_pairs(const GateMetricArgs& args) {
  std::size_t missing = 0;
  for (std::size_t i = 0; i < args.baseline.size(); ++i)
    missing += args.baseline[i] && args.candidate[i] ? 0 : 1;
  return missing;
}

json::Object shown(const MetricVerdict& judged) {
  const Comparison& comparison = judged.comparison;
  json::Object object{
      {"name", judged.name},
      {"n", comparison.n},
      {"clusters", comparison.clusters},
      {"margin", judged.margin},
      {"difference", comparison.n > 0 ? json::Value(comparison.difference) : nullptr},
      {"low", json::to(comparison.low)},
      {"high", json::to(comparison.high)},
      {"p_worse", comparison.p_worse},
      {"q_worse", judged.q_worse},
      {"verdict", json::name(judged.verdict)},
      {"mde", json::to(comparison.mde)}};
  if (comparison.paired_binary)
    object["mcnemar"] = {{"p_worse_exact", comparison.paired_binary->p_worse_exact},
                         {"p_worse_mid", comparison.paired_binary->p_worse_mid}};
  if (judged.items_needed) object["items_needed"] = *judged.items_needed;
  return object;
}

}  // namespace

Result<json::Object> stat_gate(const json::Value& value) {
  const auto args = TRY(json::from<GateArgs>(value));
  std::vector<GateMetric> metrics;
  for (const GateMetricArgs& metric : args.metrics) metrics.push_back(pairs_of(metric));
  const auto verdicts =
      judge_metrics(metrics, {.alpha = args.alpha, .seed = args.seed, .resamples = args.resamples});
  json::Object reply;
  json::Array shown_metrics;
  const json::Array critical = critical_items(args);
  bool holds = critical.empty();
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const MetricVerdict& judged = verdicts[i];
    const std::size_t missing = missing_pairs(args.metrics[i]);
    const auto all = static_cast<double>(args.metrics[i].baseline.size());
    shown_metrics.push_back(shown(judged));
    shown_metrics.back().get_object()["missing"] = missing;
    if (static_cast<double>(missing) > missing_share_max * all) holds = false;
    if (judged.verdict == Verdict::regressed) holds = false;
    if (judged.verdict == Verdict::inconclusive && args.inconclusive == InconclusiveMeans::fail)
      holds = false;
  }
  reply["decision"] = holds ? "pass" : "fail";
  reply["metrics"] = std::move(shown_metrics);
  reply["critical"] = critical;
  return reply;
}

}  // namespace slipway::eval::detail
