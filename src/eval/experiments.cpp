#include "eval/experiments.hpp"

#include <algorithm>
#include <set>

#include "trace/evaluators.hpp"
#include "trace/face.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t runs_max = 100'000, page_size = 1000;
constexpr std::string_view latency_metric = "latency_ms", cost_metric = "cost_usd";

json::Object metadata_of(const trace::Session& session) {
  const json::Value* found = session.extra.if_contains("metadata");
  return found && found->is_object() ? found->get_object() : json::Object();
}

std::string text_member(const json::Object& object, std::string_view key) {
  const json::Value* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : "";
}

EvaluationInfo info_of(const trace::Session& session, const datasets::Dataset& dataset) {
  EvaluationInfo info{.id = session.id, .name = session.name};
  info.source = EvaluationSource::experiment;
  info.state = EvaluationState::done;
  info.metadata = metadata_of(session);
  info.dataset = DatasetRef{.id = dataset.id, .name = dataset.name, .version = std::nullopt};
  if (const std::string version = text_member(info.metadata, "dataset_version"); !version.empty())
    info.dataset->version = version;
  info.created_at = trace::langsmith_time(session.start);
  if (session.end) info.finished_at = trace::langsmith_time(*session.end);
  return info;
}

/// Pages of a project's whole traces as runs, roots only, without payloads.
template <typename Take>
Result<void> each_run(const Context& context, const trace::Services& services,
                      const EvaluationInfo& info, const Take& take) {
  json::Object body{{"session", json::Array{json::Value(info.id)}},
                    {"is_root", true},
                    {"order", "asc"},
                    {"limit", page_size},
                    {"select", json::Array{json::Value("id")}}};
  std::size_t count = 0;
  for (;;) {
    TRY(context.check());
    const auto page = TRY(trace::query_langsmith_runs(context, services, body));
    count += page.items.size();
    if (count > runs_max)
      return fail(Code::invalid_argument, "experiment '{}' has more than {} runs", info.name,
                  runs_max);
    TRY(take(page.items));
    if (!page.next_cursor) return {};
    body["cursor"] = *page.next_cursor;
  }
}

/// What whole traces cost, by trace.
Result<std::map<std::string, double>> costs_of(const Context& context,
                                               const trace::Services& services,
                                               const EvaluationInfo& info) {
  std::map<std::string, double> costs;
  trace::Query query;
  query.project = info.name;
  query.limit = page_size;
  for (std::size_t count = 0; count < runs_max; count += page_size) {
    TRY(context.check());
    const auto page = TRY(services.store.traces(context, query));
    for (const trace::TraceSummary& one : page.items)
      if (one.cost) costs[one.id] = one.cost->dollars();
    if (!page.next_cursor) break;
    query.cursor = *page.next_cursor;
  }
  return costs;
}

/// Sums over the runs of one example.
struct Sums {
  std::map<std::string, trace::FeedbackStat> feedback;
  double latency_ms = 0, cost_usd = 0;
  int runs = 0, timed = 0, priced = 0;
};

CaseScore score_of(const trace::FeedbackStat& stat) {
  CaseScore score;
  score.score = stat.mean();
  if (!score.score && stat.errors > 0) score.error = "the evaluator failed";
  // Whoever wrote it said no bound: 0 and 1 speak for themselves.
  if (score.score && (*score.score == 0 || *score.score == 1)) score.pass = *score.score == 1;
  return score;
}

void take_scores(const Sums& sums, EvaluationCase& one) {
  for (const auto& [key, stat] : sums.feedback) one.scores[key] = score_of(stat);
  if (sums.timed > 0) one.latency_ms = sums.latency_ms / sums.timed;
  if (sums.priced > 0) one.cost_usd = sums.cost_usd / sums.priced;
  if (one.latency_ms) one.scores[std::string(latency_metric)].score = one.latency_ms;
  if (one.cost_usd) one.scores[std::string(cost_metric)].score = one.cost_usd;
}

/// The words of an example's inputs or outputs.
std::string words_of(const std::string& bytes) {
  const auto value = json::parse(bytes);
  if (!value || !value->is_object()) return bytes;
  const json::Object& object = value->get_object();
  for (const std::string_view key :
       {"input", "question", "query", "expected_output", "expected", "reference"})
    if (std::string text = text_member(object, key); !text.empty()) return text;
  if (object.size() == 1 && object.begin()->value().is_string())
    return std::string(object.begin()->value().get_string());
  return trace::payload_text(trace::Payload{.bytes = bytes, .is_text = false});
}

std::string text_of(const json::Value& value) {
  if (value.is_null()) return "";
  return value.is_string() ? std::string(value.get_string()) : json::dump(value);
}

void add_reasons(const std::vector<trace::Feedback>& all, EvaluationCase& one) {
  for (const trace::Feedback& feedback : all) {
    CaseScore& score = one.scores[feedback.key];
    if (feedback.comment && score.reason.empty()) score.reason = *feedback.comment;
    if (!score.score && score.reason.empty()) score.reason = text_of(feedback.value);
    if (feedback.error == true && score.error && feedback.comment) score.error = feedback.comment;
  }
}

}  // namespace

Result<std::vector<EvaluationInfo>> Experiments::list(
    const Context& context, const std::optional<std::string>& dataset_id) const {
  std::vector<EvaluationInfo> all;
  std::map<std::string, std::optional<datasets::Dataset>> known;
  for (const trace::Session& session : TRY(services_.traces.sessions.declared(context))) {
    if (!session.reference_dataset_id || metadata_of(session).contains(evaluation_key)) continue;
    const std::string of = trace::as_uuid(*session.reference_dataset_id);
    if (dataset_id && of != *dataset_id) continue;
    auto found = known.find(of);
    if (found == known.end()) {
      auto read = services_.datasets.read(context, of);
      if (!read && read.error().code() != Code::not_found) return read.error();
      found = known.emplace(of, read ? std::optional(*std::move(read)) : std::nullopt).first;
    }
    if (found->second) all.push_back(info_of(session, *found->second));
  }
  std::sort(all.begin(), all.end(), [](const EvaluationInfo& a, const EvaluationInfo& b) {
    return std::tie(a.created_at, a.id) > std::tie(b.created_at, b.id);
  });
  return all;
}

Result<void> Experiments::summarise(const Context& context, EvaluationInfo& info) const {
  constexpr std::int64_t exact_max = 5'000;
  constexpr std::size_t kept_max = 500;
  trace::Query query;
  query.project = info.name;
  const trace::StatsRow row = TRY(services_.traces.store.stats(context, query, std::nullopt)).all;
  const auto feedback = TRY(services_.traces.feedbacks.stats_of_session(context, info.id, false));
  std::string key = fmt::format("{} {} {}", info.id, row.traces, row.runs);
  for (const auto& [name, stat] : feedback)
    key += fmt::format(" {} {} {} {}", name, stat.count, stat.sum, stat.sum_of_squares);
  if (row.traces <= exact_max) {
    const bool is_known = measured_.with([&](auto& measured) {
      const auto found = measured.find(key);
      if (found == measured.end()) return false;
      info.metrics = found->second.metrics;
      info.done = info.total = found->second.total;
      return true;
    });
    if (is_known) return {};
    TRY(measure(context, info));
    measured_.with([&](auto& measured) {
      if (measured.size() >= kept_max) measured.clear();
      measured.emplace(std::move(key), info);
    });
    return {};
  }
  info.done = info.total = row.traces;
  for (const auto& [name, stat] : feedback) {
    MetricSummary metric = summary_of_sums(name, stat.scores, stat.sum, stat.sum_of_squares);
    metric.errors = stat.errors;
    metric.skipped = std::max<std::int64_t>(0, stat.count - stat.scores - stat.errors);
    info.metrics.push_back(std::move(metric));
  }
  return {};
}

Result<void> Experiments::measure(const Context& context, EvaluationInfo& info) const {
  const auto cases = TRY(this->cases(context, info));
  info.done = info.total = static_cast<std::int64_t>(cases.size());
  std::set<std::string> names;
  for (const EvaluationCase& one : cases)
    for (const auto& [name, score] : one.scores) names.insert(name);
  for (const std::string& name : names) info.metrics.push_back(summary_of(name, cases));
  // What is right or wrong comes first, then other scores, last what was merely measured.
  const auto place = [](const MetricSummary& metric) {
    return metric.lower_is_better ? 2 : metric.pass_rate ? 0 : 1;
  };
  std::stable_sort(
      info.metrics.begin(), info.metrics.end(),
      [&](const MetricSummary& a, const MetricSummary& b) { return place(a) < place(b); });
  return {};
}

Result<std::optional<EvaluationInfo>> Experiments::get(const Context& context,
                                                       const std::string& id) const {
  const auto session = TRY(trace::find_session(context, services_.traces, id));
  if (!session || !session->reference_dataset_id) return std::optional<EvaluationInfo>();
  auto dataset = services_.datasets.read(context, *session->reference_dataset_id);
  if (!dataset && dataset.error().code() == Code::not_found) return std::optional<EvaluationInfo>();
  EvaluationInfo info = info_of(*session, TRY(std::move(dataset)));
  TRY(measure(context, info));
  return std::optional(std::move(info));
}

Result<std::vector<EvaluationCase>> Experiments::cases(const Context& context,
                                                       const EvaluationInfo& info) const {
  const auto costs = TRY(costs_of(context, services_.traces, info));
  std::map<std::string, Sums> sums;
  std::map<std::string, EvaluationCase> found;
  TRY(each_run(context, services_.traces, info,
               [&](const std::vector<trace::Run>& runs) -> Result<void> {
                 std::vector<std::string> ids;
                 for (const trace::Run& run : runs)
                   if (run.reference_example_id) ids.push_back(run.id);
                 const auto stats = TRY(services_.traces.feedbacks.stats_of_runs(context, ids));
                 for (const trace::Run& run : runs) {
                   if (!run.reference_example_id) continue;
                   const std::string example = trace::as_uuid(*run.reference_example_id);
                   EvaluationCase& one = found[example];
                   Sums& sum = sums[example];
                   one.id = example;
                   one.trace_id = run.trace_id;
                   one.run_id = run.id;
                   one.error = run.error;
                   ++sum.runs;
                   if (const auto latency = run.latency_ms())
                     sum.latency_ms += *latency, ++sum.timed;
                   if (const auto cost = costs.find(run.trace_id); cost != costs.end())
                     sum.cost_usd += cost->second, ++sum.priced;
                   if (const auto own = stats.find(run.id); own != stats.end())
                     for (const auto& [key, stat] : own->second) sum.feedback[key].add(stat);
                 }
                 return {};
               }));
  std::vector<std::string> ids;
  for (auto& [id, one] : found) {
    take_scores(sums[id], one);
    ids.push_back(id);
  }
  auto examples = TRY(services_.datasets.last_known(context, ids));
  std::stable_sort(examples.begin(), examples.end(),
                   [](const auto& a, const auto& b) { return a.place < b.place; });
  std::vector<EvaluationCase> cases;
  for (const datasets::Example& example : examples) {
    EvaluationCase& one = found[example.id];
    one.cluster = text_member(example.metadata, "document");
    if (one.cluster.empty()) one.cluster = text_member(example.metadata, "conversation");
    if (text_member(example.metadata, "severity") == "critical") one.severity = Severity::critical;
    cases.push_back(std::move(one));
  }
  return cases;
}

Result<void> Experiments::fill(const Context& context, std::vector<EvaluationCase>& cases) const {
  std::vector<std::string> ids;
  for (const EvaluationCase& one : cases) ids.push_back(one.id);
  std::map<std::string, datasets::Example> examples;
  for (datasets::Example& example : TRY(services_.datasets.last_known(context, ids)))
    examples.emplace(example.id, std::move(example));
  for (EvaluationCase& one : cases) {
    if (const auto found = examples.find(one.id); found != examples.end()) {
      one.input = words_of(found->second.inputs);
      if (found->second.outputs) one.expected_output = words_of(*found->second.outputs);
    }
    if (!one.run_id) continue;
    const auto run = services_.traces.store.run(context, *one.run_id, one.trace_id.value_or(""));
    if (!run && run.error().code() != Code::not_found) return run.error();
    if (!run) continue;
    if (run->outputs) one.actual_output = trace::payload_text(run->outputs);
    trace::FeedbackQuery query;
    query.run_ids = {run->id};
    query.limit = page_size;
    add_reasons(TRY(services_.traces.feedbacks.list(context, query)), one);
  }
  return {};
}

}  // namespace slipway::eval
