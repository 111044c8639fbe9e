#include "eval/decision.hpp"

#include <algorithm>

#include "eval/runner.hpp"

namespace slipway::eval {

namespace {

using Kind = Finding::Kind;

/// Items of both sides by id; both are sorted by it.
struct Alignment {
  std::vector<std::pair<const ItemResult*, const ItemResult*>> pairs;  ///< Baseline, candidate.
  std::vector<std::string> only_in_baseline, only_in_candidate;
};

std::vector<const ItemResult*> sorted_items(const EvalResult& result) {
  std::vector<const ItemResult*> items;
  items.reserve(result.items.size());
  for (const ItemResult& item : result.items) items.push_back(&item);
  std::stable_sort(items.begin(), items.end(),
                   [](const ItemResult* a, const ItemResult* b) { return a->id < b->id; });
  return items;
}

Alignment align(const EvalResult& baseline, const EvalResult& candidate) {
  Alignment aligned;
  const auto before = sorted_items(baseline), after = sorted_items(candidate);
  std::size_t i = 0, j = 0;
  while (i < before.size() || j < after.size()) {
    if (j == after.size() || (i < before.size() && before[i]->id < after[j]->id))
      aligned.only_in_baseline.push_back(before[i++]->id);
    else if (i == before.size() || after[j]->id < before[i]->id)
      aligned.only_in_candidate.push_back(after[j++]->id);
    else
      aligned.pairs.emplace_back(before[i++], after[j++]);
  }
  return aligned;
}

/// "a, b, c and 4 more"
std::string named(const std::vector<std::string>& ids) {
  constexpr std::size_t shown_max = 5;
  const std::size_t shown = std::min(ids.size(), shown_max);
  std::string list = fmt::format("{}", fmt::join(ids.begin(), ids.begin() + shown, ", "));
  if (ids.size() > shown) list += fmt::format(" and {} more", ids.size() - shown);
  return list;
}

/// What need not be known of any item.
bool is_operation(const MetricSpec& spec) {
  return spec.name == "latency" || spec.name == "cost_per_query";
}

/// Finds out one thing after the other.
class Judgement {
 public:
  Judgement(const Suite& suite, const EvalResult& result, const DecisionOptions& options)
      : suite_(suite), result_(result), options_(options) {}

  Decision decide() {
    for (std::size_t m = 0; m < suite_.metrics.size(); ++m)
      if (const auto index = result_.metric_named(suite_.metrics[m].spec.label()))
        check_bounds(suite_.metrics[m], *index);
    if (options_.budget_spent)
      add({Kind::budget, true, "", "",
           "the judge's budget was spent before all items were scored; the rest have no score"});
    if (options_.baseline) check_baseline(*options_.baseline);
    decision_.holds = std::none_of(decision_.findings.begin(), decision_.findings.end(),
                                   [](const Finding& finding) { return finding.fails; });
    return std::move(decision_);
  }

 private:
  void add(Finding finding) { decision_.findings.push_back(std::move(finding)); }

  void check_bounds(const SuiteMetric& asked, std::size_t index) {
    const MetricResult& metric = result_.metrics[index];
    const std::size_t all = metric.n + metric.skipped + metric.errors;
    if (static_cast<double>(metric.errors) > missing_share_max * static_cast<double>(all))
      add({Kind::errors, true, metric.name, "",
           fmt::format("{} of {} items could not be scored, more than {:.0f} %", metric.errors, all,
                       100 * missing_share_max)});
    const bool is_bounded = asked.bounds.min_pass_rate || asked.spec.threshold;
    if (!metric.mean && metric.errors == 0 && metric.skipped > 0 && !is_bounded &&
        !is_operation(asked.spec))
      add({Kind::errors, true, metric.name, "",
           fmt::format("none of the {} items has a score: they lack what the metric needs (see "
                       "'slipway eval metrics --show {}'), or there is nothing to score",
                       all, asked.spec.name)});
    if (asked.bounds.min_pass_rate) {
      if (metric.pass_rate.value_or(0) < *asked.bounds.min_pass_rate)
        add({Kind::pass_rate, true, metric.name, "",
             metric.pass_rate ? fmt::format("pass rate {:.4g} is below {:.4g}", *metric.pass_rate,
                                            *asked.bounds.min_pass_rate)
                              : std::string("no item has a score, so none passes")});
    } else if (asked.spec.threshold && !suite_.per_item && !asked.bounds.per_item) {
      check_threshold(metric, *asked.spec.threshold);
    }
    if (suite_.per_item || asked.bounds.per_item) check_items(metric, index);
  }

  void check_threshold(const MetricResult& metric, double threshold) {
    if (!metric.mean) {
      add({Kind::threshold, true, metric.name, "", "no item has a score"});
      return;
    }
    const bool holds =
        metric.lower_is_better ? *metric.mean <= threshold : *metric.mean >= threshold;
    if (!holds)
      add({Kind::threshold, true, metric.name, "",
           fmt::format("mean {:.4g} is {} the threshold {:.4g}", *metric.mean,
                       metric.lower_is_better ? "above" : "below", threshold)});
  }

  void check_items(const MetricResult& metric, std::size_t index) {
    for (const ItemResult& item : result_.items) {
      const ItemScore& score = item.scores[index];
      if (score.state == ItemScore::State::failed)
        add({Kind::item, true, metric.name, item.id, "could not be scored"});
      else if (score.fails())
        add({Kind::item, true, metric.name, item.id,
             fmt::format("scores {:.4g} and does not pass", score.score)});
    }
  }

  void check_baseline(const EvalResult& baseline) {
    GateReport report;
    const Alignment aligned = align(baseline, result_);
    report.only_in_baseline = aligned.only_in_baseline;
    report.only_in_candidate = aligned.only_in_candidate;
    check_changes(baseline);
    check_missing(aligned);
    std::vector<GateMetric> metrics;
    for (std::size_t m = 0; m < result_.metrics.size(); ++m)
      if (const auto before = baseline.metric_named(result_.metrics[m].name))
        metrics.push_back(pairs_of(baseline, aligned, *before, m));
    report.metrics = judge_metrics(metrics, {.alpha = suite_.alpha, .seed = suite_.seed});
    for (const MetricVerdict& judged : report.metrics) check_verdict(judged);
    check_critical(baseline, aligned, report);
    decision_.gate = std::move(report);
  }

  void check_changes(const EvalResult& baseline) {
    const auto changed = [&](std::string_view what, std::string_view before, std::string_view now) {
      if (before == now) return;
      const auto shown = [](std::string_view text) { return text.empty() ? "none" : text; };
      add({Kind::changed, !options_.accept_changes, "", "",
           fmt::format(
               "{} is not that of the baseline: {} there, {} here{}", what, shown(before),
               shown(now),
               options_.accept_changes ? "" : "; make a new baseline, or say --accept-changes")});
    };
    if (!baseline.suite.empty() && baseline.suite != result_.suite)
      add({Kind::changed, false, "", "",
           fmt::format("the baseline is one of the suite '{}', this is '{}'", baseline.suite,
                       result_.suite)});
    // Without a target the answers under test stand in the dataset: that they are others is what
    // is being compared.
    const bool only_answers = !result_.questions_version.empty() &&
                              baseline.questions_version == result_.questions_version &&
                              baseline.dataset_version != result_.dataset_version;
    if (only_answers)
      add({Kind::changed, false, "", "",
           fmt::format("the answers in the dataset are others than in the baseline ({}), the "
                       "questions are the same",
                       baseline.dataset_version)});
    else
      changed("the dataset", baseline.dataset_version, result_.dataset_version);
    changed("the metrics' fingerprint", baseline.fingerprint, result_.fingerprint);
    changed("the judge", baseline.judge, result_.judge);
    for (const MetricResult& metric : baseline.metrics)
      if (!result_.metric_named(metric.name))
        add({Kind::changed, !options_.accept_changes, metric.name, "",
             "the baseline has this metric and the run has not"});
    for (const MetricResult& metric : result_.metrics)
      if (!baseline.metric_named(metric.name))
        add({Kind::changed, !options_.accept_changes, metric.name, "",
             "the run has this metric and the baseline has not, so nothing is compared"});
  }

  void check_missing(const Alignment& aligned) {
    const std::size_t missing = aligned.only_in_baseline.size() + aligned.only_in_candidate.size();
    if (missing == 0) return;
    const std::size_t all = missing + aligned.pairs.size();
    const bool fails = static_cast<double>(missing) > missing_share_max * static_cast<double>(all);
    std::string message = fmt::format("{} of {} items are on one side only", missing, all);
    if (!aligned.only_in_baseline.empty())
      message += fmt::format("; only in the baseline: {}", named(aligned.only_in_baseline));
    if (!aligned.only_in_candidate.empty())
      message += fmt::format("; only in this run: {}", named(aligned.only_in_candidate));
    add({Kind::missing, fails, "", "", std::move(message)});
  }

  GateMetric pairs_of(const EvalResult& baseline, const Alignment& aligned, std::size_t before,
                      std::size_t now) {
    GateMetric metric{.name = result_.metrics[now].name,
                      .margin = margin_of(result_.metrics[now], baseline.metrics[before]),
                      .pairs = {},
                      .lower_is_better = result_.metrics[now].lower_is_better};
    std::vector<std::string> clusters, unpaired;
    for (const auto& [old_item, new_item] : aligned.pairs) {
      const ItemScore &old_score = old_item->scores[before], &new_score = new_item->scores[now];
      if (old_score.is_scored() && new_score.is_scored()) {
        metric.pairs.baseline.push_back(old_score.score);
        metric.pairs.candidate.push_back(new_score.score);
        clusters.push_back(new_item->cluster);
      } else if (old_score.is_scored() != new_score.is_scored()) {
        unpaired.push_back(new_item->id);
      }
    }
    metric.pairs.clusters = number_clusters(clusters);
    const std::size_t all = unpaired.size() + clusters.size();
    if (!unpaired.empty())
      add({Kind::missing,
           static_cast<double>(unpaired.size()) > missing_share_max * static_cast<double>(all),
           metric.name, "",
           fmt::format("{} of {} items have a score on one side only: {}", unpaired.size(), all,
                       named(unpaired))});
    return metric;
  }

  void check_verdict(const MetricVerdict& judged) {
    if (judged.verdict == Verdict::non_inferior) return;
    const Comparison& comparison = judged.comparison;
    std::string message =
        fmt::format("{:.4g} -> {:.4g}, difference {:+.4g}", comparison.baseline_mean,
                    comparison.candidate_mean, comparison.difference);
    if (comparison.low)
      message += fmt::format(" [{:+.4g}, {:+.4g}]", *comparison.low, *comparison.high);
    message +=
        fmt::format(", margin {:.4g}, q {:.3g}, n {}", judged.margin, judged.q_worse, comparison.n);
    if (judged.verdict == Verdict::regressed) {
      add({Kind::regressed, true, judged.name, "", std::move(message)});
      return;
    }
    if (judged.items_needed)
      message += fmt::format("; about {:.0f} items would decide", *judged.items_needed);
    add({Kind::inconclusive, suite_.inconclusive == Inconclusive::fail, judged.name, "",
         std::move(message)});
  }

  void check_critical(const EvalResult& baseline, const Alignment& aligned, GateReport& report) {
    for (const auto& [before, now] : aligned.pairs) {
      if (before->severity != Severity::critical && now->severity != Severity::critical) continue;
      std::vector<std::string> lost;
      for (std::size_t m = 0; m < result_.metrics.size(); ++m) {
        const auto old_metric = baseline.metric_named(result_.metrics[m].name);
        if (!old_metric) continue;
        const ItemScore &old_score = before->scores[*old_metric], &score = now->scores[m];
        if (old_score.passes() && !score.passes())
          lost.push_back(score.is_scored()
                             ? fmt::format("{} {:.4g} -> {:.4g}", result_.metrics[m].name,
                                           old_score.score, score.score)
                             : fmt::format("{} has no score", result_.metrics[m].name));
      }
      if (lost.empty()) continue;
      report.critical.push_back(now->id);
      add({Kind::critical, true, "", now->id,
           fmt::format("critical item passed in the baseline and fails now: {}",
                       fmt::join(lost, ", "))});
    }
    for (const ItemResult& item : baseline.items)
      if (item.severity == Severity::critical &&
          std::binary_search(aligned.only_in_baseline.begin(), aligned.only_in_baseline.end(),
                             item.id)) {
        report.critical.push_back(item.id);
        add({Kind::critical, !options_.accept_changes, "", item.id,
             "critical item of the baseline is missing"});
      }
  }

  const Suite& suite_;
  const EvalResult& result_;
  const DecisionOptions& options_;
  Decision decision_;
};

}  // namespace

std::string Finding::title() const {
  switch (kind) {
    case Kind::regressed: return fmt::format("{} regressed", metric);
    case Kind::critical: return fmt::format("critical item {}", item);
    case Kind::threshold: return fmt::format("{} misses its threshold", metric);
    case Kind::pass_rate: return fmt::format("{} misses its pass rate", metric);
    case Kind::item: return fmt::format("{} of item {}", metric, item);
    case Kind::missing:
      return metric.empty() ? "missing items" : fmt::format("{} misses items", metric);
    case Kind::changed: return metric.empty() ? "changed" : fmt::format("{} changed", metric);
    case Kind::inconclusive: return fmt::format("{} is inconclusive", metric);
    case Kind::errors: return fmt::format("{} has errors", metric);
    case Kind::budget: return "budget spent";
  }
  return "";
}

const MetricVerdict* Decision::verdict_of(std::string_view metric) const {
  if (!gate) return nullptr;
  for (const MetricVerdict& judged : gate->metrics)
    if (judged.name == metric) return &judged;
  return nullptr;
}

Decision decide(const Suite& suite, const EvalResult& result, const DecisionOptions& options) {
  return Judgement(suite, result, options).decide();
}

Suite suite_of(const EvalResult& result) {
  Suite suite;
  suite.name = result.suite;
  for (const MetricResult& metric : result.metrics) {
    SuiteMetric asked;
    asked.spec.name = metric.name;
    asked.spec.threshold = metric.threshold;
    asked.bounds.margin = metric.margin;
    suite.metrics.push_back(std::move(asked));
  }
  return suite;
}

json::Object gate_json(const Decision& decision) {
  json::Object gate{{"decision", decision.holds ? "pass" : "fail"}};
  json::Array findings;
  for (const Finding& finding : decision.findings)
    findings.push_back(json::Object{{"kind", json::name(finding.kind)},
                                    {"fails", finding.fails},
                                    {"metric", finding.metric},
                                    {"item", finding.item},
                                    {"message", finding.message}});
  gate["findings"] = std::move(findings);
  if (!decision.gate) return gate;
  json::Array metrics;
  for (const MetricVerdict& judged : decision.gate->metrics) {
    const Comparison& comparison = judged.comparison;
    json::Object one{{"name", judged.name},
                     {"n", comparison.n},
                     {"clusters", comparison.clusters},
                     {"baseline", comparison.baseline_mean},
                     {"candidate", comparison.candidate_mean},
                     {"difference", comparison.difference},
                     {"low", json::to(comparison.low)},
                     {"high", json::to(comparison.high)},
                     {"margin", judged.margin},
                     {"p_worse", comparison.p_worse},
                     {"q_worse", judged.q_worse},
                     {"verdict", json::name(judged.verdict)},
                     {"mde", json::to(comparison.mde)}};
    if (judged.items_needed) one["items_needed"] = *judged.items_needed;
    if (comparison.paired_binary)
      one["mcnemar"] = {{"p_worse_exact", comparison.paired_binary->p_worse_exact},
                        {"p_worse_mid", comparison.paired_binary->p_worse_mid}};
    metrics.push_back(std::move(one));
  }
  gate["metrics"] = std::move(metrics);
  gate["critical"] = json::to(decision.gate->critical);
  gate["missing"] = json::Object{{"baseline_only", json::to(decision.gate->only_in_baseline)},
                                 {"candidate_only", json::to(decision.gate->only_in_candidate)}};
  return gate;
}

}  // namespace slipway::eval
