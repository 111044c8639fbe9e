#include "eval/evaluations.hpp"

#include <algorithm>

#include "eval/detail/case_changes.hpp"

namespace slipway::eval {

namespace {

/// What a page of `all` shows.
template <typename T>
std::vector<T> page_of(std::vector<T>& all, int offset, int limit) {
  const auto begin = std::min(all.size(), static_cast<std::size_t>(std::max(0, offset)));
  const auto end = std::min(all.size(), begin + static_cast<std::size_t>(std::max(1, limit)));
  return {std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(begin)),
          std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(end))};
}

/// The score by which a case is ordered. Absent: it has none.
std::optional<double> key_of(const EvaluationCase& one, const std::string& metric) {
  if (!metric.empty()) {
    const auto found = one.scores.find(metric);
    return found == one.scores.end() ? std::nullopt : found->second.score;
  }
  double sum = 0;
  int count = 0;
  for (const auto& [name, score] : one.scores)
    if (score.score && !is_lower_better(name)) sum += *score.score, ++count;
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

bool fails_by(const EvaluationCase& one, const std::string& metric) {
  if (metric.empty()) return one.is_failing();
  const auto found = one.scores.find(metric);
  return found != one.scores.end() && (found->second.error || found->second.pass == false);
}

Result<void> check_metric(const EvaluationInfo& info, const std::string& metric) {
  std::vector<std::string_view> known;
  for (const MetricSummary& one : info.metrics) {
    if (metric.empty() || one.name == metric) return {};
    known.push_back(one.name);
  }
  if (metric.empty()) return {};
  const auto hint = json::nearest(metric, known);
  return fail(Code::invalid_argument, "metric: '{}' has no scores of '{}'{}", info.name,
              metric.substr(0, 100), hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint));
}

json::Value or_null(const std::optional<double>& value) {
  return value ? json::Value(*value) : json::Value();
}

json::Object summary_json(const MetricSummary& metric) {
  return {{"name", metric.name},         {"mean", or_null(metric.mean)},
          {"low", or_null(metric.low)},  {"high", or_null(metric.high)},
          {"method", metric.method},     {"n", metric.n},
          {"skipped", metric.skipped},   {"errors", metric.errors},
          {"clusters", metric.clusters}, {"pass_rate", or_null(metric.pass_rate)},
          {"mde", or_null(metric.mde)}};
}

json::Object item_json(const EvaluationCase& one) {
  json::Object scores;
  for (const auto& [name, score] : one.scores)
    scores[name] = json::Object{{"score", or_null(score.score)},
                                {"pass", score.pass ? json::Value(*score.pass) : json::Value()}};
  return {{"id", one.id},
          {"cluster", one.cluster},
          {"severity", json::name(one.severity)},
          {"scores", std::move(scores)}};
}

}  // namespace

Result<EvaluationPage> Evaluations::list(const Context& context,
                                         const EvaluationQuery& query) const {
  auto all = TRY(store_.list(context, query.dataset_id));
  auto others = TRY(experiments_.list(context, query.dataset_id));
  std::move(others.begin(), others.end(), std::back_inserter(all));
  std::stable_sort(all.begin(), all.end(), [](const EvaluationInfo& a, const EvaluationInfo& b) {
    return a.created_at > b.created_at;
  });
  EvaluationPage page;
  page.has_more = all.size() > static_cast<std::size_t>(query.offset + query.limit);
  page.items = page_of(all, query.offset, query.limit);
  for (EvaluationInfo& info : page.items)
    if (info.source == EvaluationSource::experiment) TRY(experiments_.summarise(context, info));
  return page;
}

Result<EvaluationInfo> Evaluations::get(const Context& context, const std::string& id) const {
  auto own = store_.get(context, id);
  if (own || own.error().code() != Code::not_found) return own;
  if (auto experiment = TRY(experiments_.get(context, id))) return *std::move(experiment);
  return own;
}

Result<std::vector<EvaluationCase>> Evaluations::all_cases(const Context& context,
                                                           const EvaluationInfo& info) const {
  if (info.source == EvaluationSource::evaluation) return store_.cases(context, info.id);
  return experiments_.cases(context, info);
}

Result<CasePage> Evaluations::cases(const Context& context, const std::string& id,
                                    const CaseQuery& query) const {
  const EvaluationInfo info = TRY(get(context, id));
  if (!info.metrics.empty()) TRY(check_metric(info, query.metric));
  auto all = TRY(all_cases(context, info));
  std::erase_if(all, [&](const EvaluationCase& one) {
    if (query.failing) return !fails_by(one, query.metric);
    return !query.metric.empty() && !one.scores.contains(query.metric);
  });
  if (query.sort == "score" || query.sort == "-score") {
    const bool is_up = query.sort == "score";
    std::stable_sort(all.begin(), all.end(), [&](const EvaluationCase& a, const EvaluationCase& b) {
      const auto x = key_of(a, query.metric), y = key_of(b, query.metric);
      if (!x || !y) return x.has_value() > y.has_value();  // Without: last.
      return is_up ? *x < *y : *x > *y;
    });
  } else if (!query.sort.empty()) {
    return fail(Code::invalid_argument, "sort: '{}' is none of score, -score", query.sort);
  }
  CasePage page;
  page.has_more = all.size() > static_cast<std::size_t>(query.offset + query.limit);
  page.items = page_of(all, query.offset, query.limit);
  if (info.source == EvaluationSource::experiment) TRY(experiments_.fill(context, page.items));
  return page;
}

Result<EvaluationCase> Evaluations::find_case(const Context& context, const std::string& id,
                                              const std::string& case_id) const {
  const EvaluationInfo info = TRY(get(context, id));
  if (info.source == EvaluationSource::evaluation) return store_.find_case(context, id, case_id);
  auto all = TRY(experiments_.cases(context, info));
  std::erase_if(all, [&](const EvaluationCase& one) { return one.id != case_id; });
  if (all.empty())
    return fail(Code::not_found, "experiment '{}' has no case '{}'", info.name,
                case_id.substr(0, 100));
  TRY(experiments_.fill(context, all));
  return std::move(all.front());
}

Result<EvaluationComparison> Evaluations::compare(const Context& context,
                                                  const ComparisonQuery& query) const {
  EvaluationComparison comparison;
  comparison.baseline = TRY(get(context, query.baseline).within("baseline"));
  comparison.candidate = TRY(get(context, query.candidate).within("candidate"));
  if (query.baseline == query.candidate)
    return fail(Code::invalid_argument, "candidate: an evaluation is not compared with itself");
  for (const EvaluationInfo* one : {&comparison.baseline, &comparison.candidate})
    if (one->state == EvaluationState::queued || one->state == EvaluationState::running)
      return fail(Code::conflict, "'{}' has not ended yet; compare it when it has", one->name);
  detail::CaseChanges changes(TRY(all_cases(context, comparison.baseline)),
                              TRY(all_cases(context, comparison.candidate)));
  TRY(changes.check(comparison.baseline, comparison.candidate));
  comparison.changes = detail::differences_of(comparison.baseline, comparison.candidate);
  comparison.metrics = changes.metrics(comparison.candidate);
  comparison.only_baseline = changes.only_baseline();
  comparison.only_candidate = changes.only_candidate();
  comparison.metric = TRY(changes.metric_named(query.metric, comparison.metrics));
  auto pairs = TRY(changes.ordered(query, comparison.metric));
  comparison.total = changes.size();
  const auto limit = static_cast<std::size_t>(query.limit);
  const auto offset = static_cast<std::size_t>(query.offset);
  if (pairs.size() > offset + limit) comparison.next_cursor = std::to_string(offset + limit);
  pairs = page_of(pairs, query.offset, query.limit);
  for (const bool is_baseline : {true, false}) {
    const EvaluationInfo& info = is_baseline ? comparison.baseline : comparison.candidate;
    if (info.source != EvaluationSource::experiment) continue;
    std::vector<EvaluationCase> side;
    for (auto& pair : pairs) side.push_back(is_baseline ? pair.baseline : pair.candidate);
    TRY(experiments_.fill(context, side));
    for (std::size_t i = 0; i < pairs.size(); ++i)
      (is_baseline ? pairs[i].baseline : pairs[i].candidate) = std::move(side[i]);
  }
  for (auto& pair : pairs) comparison.items.push_back(pair.shown());
  return comparison;
}

Result<json::Object> Evaluations::result(const Context& context, const std::string& id) const {
  const EvaluationInfo info = TRY(get(context, id));
  if (info.source == EvaluationSource::evaluation) {
    const std::string text = TRY(store_.result_text(context, id));
    if (!text.empty()) return json::from<json::Object>(TRY(json::parse(text)));
  }
  json::Array metrics, items;
  for (const MetricSummary& metric : info.metrics) metrics.push_back(summary_json(metric));
  for (const EvaluationCase& one : TRY(all_cases(context, info))) items.push_back(item_json(one));
  return json::Object{
      {"format", "slipway-eval-result/1"},
      {"suite", info.name},
      {"dataset_version",
       info.dataset && info.dataset->version ? json::Value(*info.dataset->version) : json::Value()},
      {"fingerprint", nullptr},
      {"judge", info.judge},
      {"metrics", std::move(metrics)},
      {"items", std::move(items)}};
}

}  // namespace slipway::eval
