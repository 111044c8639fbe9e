#include "eval/detail/case_changes.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

namespace slipway::eval::detail {

namespace {

constexpr double margin_default = 0.05;

const CaseScore* score_in(const EvaluationCase& one, const std::string& metric) {
  const auto found = one.scores.find(metric);
  return found == one.scores.end() || !found->second.score ? nullptr : &found->second;
}

CaseSide side_of(const EvaluationCase& one) {
  return {.answer = one.actual_output,
          .error = one.error,
          .trace_id = one.trace_id,
          .run_id = one.run_id,
          .latency_ms = one.latency_ms,
          .cost_usd = one.cost_usd,
          .scores = one.scores};
}

/// What the suite allows a metric to lose. Absent: nobody said, and its unit is not that of shares.
std::optional<double> margin_of(const EvaluationInfo& candidate, const std::string& metric) {
  if (candidate.request)
    if (const json::Value* metrics = candidate.request->if_contains("metrics");
        metrics && metrics->is_array())
      for (const json::Value& one : metrics->get_array()) {
        if (!one.is_object()) continue;
        const json::Object& object = one.get_object();
        const json::Value* as = object.if_contains("as");
        const json::Value* name = as ? as : object.if_contains("name");
        const json::Value* margin = object.if_contains("margin");
        if (name && name->is_string() && name->get_string() == metric && margin &&
            margin->is_number())
          return margin->to_number<double>();
      }
  return is_lower_better(metric) ? std::nullopt : std::optional(margin_default);
}

std::string version_text(const std::optional<DatasetRef>& dataset) {
  return dataset ? dataset->version.value_or("not told") : "none";
}

}  // namespace

CaseChange CasePair::shown() const {
  CaseChange shown{.id = candidate.id,
                   .input = candidate.input.empty() ? baseline.input : candidate.input,
                   .expected_output = candidate.expected_output ? candidate.expected_output
                                                                : baseline.expected_output,
                   .severity = candidate.severity,
                   .change = change};
  shown.baseline = side_of(baseline);
  shown.candidate = side_of(candidate);
  return shown;
}

std::vector<std::string> differences_of(const EvaluationInfo& baseline,
                                        const EvaluationInfo& candidate) {
  std::vector<std::string> all;
  const std::string a = baseline.dataset ? baseline.dataset->name : "none";
  const std::string b = candidate.dataset ? candidate.dataset->name : "none";
  if (a != b)
    all.push_back(fmt::format("the dataset: {} there, {} here", a, b));
  else if (version_text(baseline.dataset) != version_text(candidate.dataset))
    all.push_back(fmt::format("the version of the dataset: {} there, {} here",
                              version_text(baseline.dataset), version_text(candidate.dataset)));
  if (baseline.judge != candidate.judge)
    all.push_back(fmt::format("the judge: {} there, {} here",
                              baseline.judge.empty() ? "none" : baseline.judge,
                              candidate.judge.empty() ? "none" : candidate.judge));
  return all;
}

CaseChanges::CaseChanges(std::vector<EvaluationCase> baseline,
                         std::vector<EvaluationCase> candidate) {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < candidate.size(); ++i) places.emplace(candidate[i].id, i);
  for (EvaluationCase& one : baseline) {
    const auto place = places.find(one.id);
    if (place == places.end()) {
      ++only_baseline_;
      continue;
    }
    CasePair& pair = pairs_.emplace_back();
    pair.candidate = std::move(candidate[place->second]);
    pair.baseline = std::move(one);
  }
  only_candidate_ = static_cast<std::int64_t>(candidate.size() - pairs_.size());
}

Result<void> CaseChanges::check(const EvaluationInfo& baseline,
                                const EvaluationInfo& candidate) const {
  if (!pairs_.empty()) return {};
  return fail(Code::conflict,
              "'{}' and '{}' have no case in common; compare evaluations of one dataset",
              baseline.name, candidate.name);
}

std::vector<MetricChange> CaseChanges::metrics(const EvaluationInfo& candidate) const {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const MetricSummary& metric : candidate.metrics)
    if (seen.insert(metric.name).second) names.push_back(metric.name);
  std::vector<GateMetric> gated;
  std::vector<MetricChange> all;
  for (const std::string& name : names) {
    MetricChange& change = all.emplace_back();
    change.name = name;
    change.lower_is_better = is_lower_better(name);
    for (const MetricSummary& metric : candidate.metrics)
      if (metric.name == name) change.lower_is_better = metric.lower_is_better;
    change.margin = margin_of(candidate, name);
    GateMetric& metric = gated.emplace_back();
    metric.name = name;
    metric.margin = change.margin.value_or(margin_default);
    metric.lower_is_better = change.lower_is_better;
    std::vector<std::string> clusters;
    for (const CasePair& pair : pairs_) {
      const CaseScore* x = score_in(pair.baseline, name);
      const CaseScore* y = score_in(pair.candidate, name);
      if (!x || !y) continue;
      metric.pairs.baseline.push_back(*x->score);
      metric.pairs.candidate.push_back(*y->score);
      clusters.push_back(pair.candidate.cluster);
    }
    metric.pairs.clusters = number_clusters(clusters);
  }
  // What nothing can be said of must not count among the tests.
  std::erase_if(gated, [](const GateMetric& one) { return one.pairs.baseline.empty(); });
  const auto verdicts = judge_metrics(gated);
  for (std::size_t i = 0; i < gated.size(); ++i) {
    const auto change = std::find_if(
        all.begin(), all.end(), [&](const MetricChange& one) { return one.name == gated[i].name; });
    const Comparison& comparison = verdicts[i].comparison;
    change->baseline = comparison.baseline_mean;
    change->candidate = comparison.candidate_mean;
    change->difference = comparison.difference;
    change->n = static_cast<std::int64_t>(comparison.n);
    change->clusters = static_cast<std::int64_t>(comparison.clusters);
    change->mde = comparison.mde;
    Sample differences;
    differences.clusters = gated[i].pairs.clusters;
    for (std::size_t k = 0; k < gated[i].pairs.baseline.size(); ++k)
      differences.values.push_back(gated[i].pairs.candidate[k] - gated[i].pairs.baseline[k]);
    const Interval interval = cluster_t_interval(differences);
    change->low = interval.low;
    change->high = interval.high;
    if (comparison.n > 1) {
      change->p_worse = comparison.p_worse;
      change->q_worse = verdicts[i].q_worse;
      if (change->margin) change->verdict = json::name(verdicts[i].verdict);
    }
  }
  return all;
}

Result<std::string> CaseChanges::metric_named(const std::string& wish,
                                              const std::vector<MetricChange>& metrics) const {
  std::vector<std::string_view> known;
  for (const MetricChange& one : metrics) {
    if (one.n == 0) continue;
    if (wish.empty() || one.name == wish) return one.name;
    known.push_back(one.name);
  }
  if (known.empty())
    return fail(Code::invalid_argument, "no metric has scores on both sides: nothing to compare");
  const auto hint = json::nearest(wish, known);
  return fail(Code::invalid_argument, "metric: '{}' is not scored on both sides{}",
              wish.substr(0, 100), hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint));
}

Result<std::vector<CasePair>> CaseChanges::ordered(const ComparisonQuery& query,
                                                   const std::string& metric) const {
  std::vector<CasePair> all = pairs_;
  const bool is_lower = is_lower_better(metric);
  for (CasePair& pair : all) {
    const CaseScore* x = score_in(pair.baseline, metric);
    const CaseScore* y = score_in(pair.candidate, metric);
    if (x && y) pair.change = is_lower ? *x->score - *y->score : *y->score - *x->score;
  }
  if (query.changed)
    std::erase_if(all, [](const CasePair& pair) { return pair.change.value_or(0) == 0; });
  const auto sort_by = [&](auto key) {
    std::stable_sort(all.begin(), all.end(), [&](const CasePair& a, const CasePair& b) {
      if (!a.change || !b.change) return a.change.has_value() > b.change.has_value();
      return key(*a.change) < key(*b.change);
    });
  };
  if (query.sort.empty() || query.sort == "change")
    sort_by([](double change) { return change; });
  else if (query.sort == "-change")
    sort_by([](double change) { return -change; });
  else if (query.sort == "abs")
    sort_by([](double change) { return -std::abs(change); });
  else if (query.sort != "id")
    return fail(Code::invalid_argument, "sort: '{}' is none of change, -change, abs, id",
                query.sort.substr(0, 100));
  return all;
}

}  // namespace slipway::eval::detail
