#include "api/detail/evaluation_run.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "eval/decision.hpp"

namespace slipway::api::detail {

namespace {

constexpr std::size_t threads_of_run = 4;  // Beside what else the server does.
constexpr std::size_t batch_size = 500;
constexpr std::size_t details_bytes_max = 256u << 20;
constexpr int resumptions_max = 3;  // What ends the program again and again is not begun again.
constexpr std::string_view resumed_key = "resumed";

using RunPtr = std::shared_ptr<EvaluationRun>;

std::filesystem::path journal_of(const EvaluationDesk& desk, const std::string& id) {
  return desk.services.runs_folder / (id + ".jsonl");
}

std::string target_name(const eval::Evaluation& evaluation) {
  const eval::Target* target = evaluation.parts().target;
  return target ? target->name() : "";
}

std::string judge_name(const eval::Suite& suite) { return suite.judge ? suite.judge->model : ""; }

/// Everything that the suite needs, opened. Fails: as `begin_evaluation`.
Result<RunPtr> open_run(const Context& context, const EvaluationDesk& desk, SentSuite sent) {
  auto run = std::make_shared<EvaluationRun>();
  run->request = std::move(sent.request);
  run->dataset = std::move(sent.dataset);
  run->examples = std::move(sent.examples);
  if (!sent.baseline.empty()) {
    const json::Object result =
        TRY(desk.evaluations.result(context, sent.baseline).within("baseline"));
    run->baseline = TRY(eval::parse_result(json::dump(result)).within("baseline"));
  }
  run->doors = desk.services.doors(context);
  run->doors.open_dataset = [&](const std::string&) { return Result(std::move(sent.goldens)); };
  run->evaluation = TRY(eval::Evaluation::open(std::move(sent.suite), run->doors));
  run->doors.open_dataset = nullptr;  // It is of this call.
  return run;
}

std::optional<std::string> text_in(const json::Object& object, std::string_view key) {
  const json::Value* found = object.if_contains(key);
  return found && found->is_string() ? std::optional(std::string(found->get_string()))
                                     : std::nullopt;
}

std::optional<double> number_in(const json::Object& object, std::string_view key) {
  const json::Value* found = object.if_contains(key);
  return found && found->is_number() ? std::optional(found->to_number<double>()) : std::nullopt;
}

eval::CaseScore score_of(const json::Object& details) {
  eval::CaseScore score;
  score.score = number_in(details, "score");
  if (const json::Value* pass = details.if_contains("pass"); pass && pass->is_bool())
    score.pass = pass->get_bool();
  score.reason = text_in(details, "reason").value_or("");
  score.error = text_in(details, "error");
  const json::Value* items = details.if_contains("items");
  if (!items || !items->is_array()) return score;
  for (const json::Value& item : items->get_array())
    if (auto one = json::from<eval::CaseScoreItem>(item, json::Policy::ignore_unknown))
      score.items.push_back(*std::move(one));
  return score;
}

/// The case as it is kept: its scores from the result, its texts and reasons from the details.
eval::EvaluationCase case_of(const eval::EvalResult& result, std::size_t index,
                             const std::string& details) {
  const eval::ItemResult& item = result.items[index];
  eval::EvaluationCase one{.id = item.id, .cluster = item.cluster, .severity = item.severity};
  for (std::size_t m = 0; m < item.scores.size() && m < result.metrics.size(); ++m) {
    eval::CaseScore& score = one.scores[result.metrics[m].name];
    if (item.scores[m].is_scored()) {
      score.score = item.scores[m].score;
      score.pass = item.scores[m].passed;
    } else if (item.scores[m].state == eval::ItemScore::State::failed) {
      score.error = "it could not be scored";
    }
  }
  const auto value = details.empty() ? Result<json::Value>(json::Object()) : json::parse(details);
  if (!value || !value->is_object()) return one;
  const json::Object& object = value->get_object();
  one.input = text_in(object, "input").value_or("");
  one.expected_output = text_in(object, "expected_output");
  one.actual_output = text_in(object, "actual_output");
  one.trace_id = text_in(object, "trace_id");
  one.latency_ms = number_in(object, "latency_ms");
  one.cost_usd = number_in(object, "cost_usd");
  if (const json::Value* passages = object.if_contains("retrieval_context"))
    if (auto texts = json::from<std::vector<std::string>>(*passages))
      one.retrieval_context = *std::move(texts);
  if (const json::Value* scores = object.if_contains("scores"); scores && scores->is_object())
    for (const auto& [name, score] : scores->get_object())
      if (score.is_object()) one.scores[std::string(name)] = score_of(score.get_object());
  return one;
}

eval::MetricSummary summary_of(const eval::MetricResult& metric) {
  return {.name = metric.name,
          .mean = metric.mean,
          .low = metric.low,
          .high = metric.high,
          .method = metric.method,
          .n = static_cast<std::int64_t>(metric.n),
          .clusters = static_cast<std::int64_t>(metric.clusters),
          .skipped = static_cast<std::int64_t>(metric.skipped),
          .errors = static_cast<std::int64_t>(metric.errors),
          .pass_rate = metric.pass_rate,
          .mde = metric.mde,
          .lower_is_better = metric.lower_is_better,
          .threshold = metric.threshold};
}

std::string words_of(const eval::Finding& finding) {
  const std::string& of = finding.item.empty() ? finding.metric : finding.item;
  return of.empty() ? finding.message : fmt::format("{}: {}", of, finding.message);
}

/// What is known at the end, written: cases first, so that whoever sees the end finds them.
Result<eval::EvaluationEnd> keep(const EvaluationDesk& desk, const EvaluationRun& run,
                                 eval::RunOutcome& outcome) {
  const eval::Suite& suite = run.evaluation->suite();
  const eval::Decision decision = eval::decide(
      suite, outcome.result,
      {.baseline = run.baseline ? &*run.baseline : nullptr, .budget_spent = outcome.budget_spent});
  outcome.result.gate = eval::gate_json(decision);
  eval::EvaluationEnd end;
  end.passed = decision.holds;
  for (const eval::Finding& finding : decision.findings)
    if (finding.fails) end.failures.push_back(words_of(finding));
  for (const eval::MetricResult& metric : outcome.result.metrics)
    end.metrics.push_back(summary_of(metric));
  end.result = eval::to_text(outcome.result);
  const auto& details = outcome.details.by_item;
  std::vector<eval::EvaluationCase> cases;
  for (std::size_t i = 0; i < outcome.result.items.size(); ++i)
    cases.push_back(case_of(outcome.result, i, i < details.size() ? details[i] : ""));
  const auto info = TRY(desk.services.store.get({}, run.id));
  // Other clients read it as an experiment; that they cannot is no reason to lose it here.
  if (const auto written =
          eval::write_experiment({}, desk.services.datasets, info, run.examples, cases);
      !written)
    log::warning("evaluation {} is no experiment: {}", run.id, written.error().message());
  for (std::size_t i = 0; i < cases.size(); i += batch_size) {
    const auto first = cases.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last =
        cases.begin() + static_cast<std::ptrdiff_t>(std::min(cases.size(), i + batch_size));
    TRY(desk.services.store.add({}, run.id, {first, last}));
  }
  TRY(desk.services.store.end({}, run.id, end));
  return end;
}

/// Whether whoever stopped it is the end of the program, which ends jobs before they have noticed:
/// then it goes on when the next one begins.
bool is_ending(const EvaluationDesk& desk, const std::string& id) {
  const auto info = desk.services.store.get({}, id);
  if (!info || !info->job) return false;
  const auto job = desk.services.jobs.get({}, *info->job);
  return job && job->has_ended();
}

Result<json::Value> work(const Context& context, const EvaluationDeskPtr& desk, const RunPtr& run,
                         JobReport& report) {
  eval::EvaluationStore& store = desk->services.store;
  TRY(store.begin(context, run->id));
  const std::filesystem::path journal = journal_of(*desk, run->id);
  eval::RunOptions how{
      .threads = threads_of_run, .journal = journal, .details_bytes_max = details_bytes_max};
  how.on_progress = [&](std::size_t done, std::size_t all) {
    report.progress({.done = static_cast<std::int64_t>(done),
                     .total = static_cast<std::int64_t>(all),
                     .unit = "cases"});
  };
  auto outcome = eval::run_suite(context, run->evaluation->parts(), how);
  std::error_code ignored;
  if (!outcome) {
    const bool is_cancelled = outcome.error().code() == Code::cancelled;
    if (is_cancelled && is_ending(*desk, run->id)) return outcome.error();
    std::filesystem::remove(journal, ignored);
    TRY(store.end(
        {}, run->id,
        {.state = is_cancelled ? eval::EvaluationState::cancelled : eval::EvaluationState::failed,
         .error = is_cancelled ? "it was cancelled" : outcome.error().message()}));
    return outcome.error();
  }
  const auto end = keep(*desk, *run, *outcome);
  std::filesystem::remove(journal, ignored);
  if (!end) {
    TRY(store.end({}, run->id,
                  {.state = eval::EvaluationState::failed, .error = end.error().message()}));
    return end.error();
  }
  return json::Value(json::Object{{"evaluation", run->id}, {"passed", json::to(end->passed)}});
}

Result<JobInfo> submit(const Context& context, const EvaluationDeskPtr& desk, const RunPtr& run) {
  const auto job =
      desk->services.jobs.submit(context, "evaluation", run->dataset.name,
                                 [desk, run](const Context& context, JobReport& report) {
                                   return work(context, desk, run, report);
                                 });
  if (!job) return job.error();
  TRY(desk->services.store.set_job(context, run->id, job->id));
  return job;
}

eval::EvaluationInfo info_of(const EvaluationRun& run, const std::string& version) {
  const eval::Suite& suite = run.evaluation->suite();
  eval::EvaluationInfo info{.id = run.id, .name = suite.name};
  info.dataset =
      eval::DatasetRef{.id = run.dataset.id, .name = run.dataset.name, .version = version};
  info.target = target_name(*run.evaluation);
  info.judge = judge_name(suite);
  info.total = static_cast<std::int64_t>(run.evaluation->goldens().size());
  info.request = run.request;
  return info;
}

}  // namespace

Result<eval::EvaluationInfo> begin_evaluation(const Context& context, const EvaluationDeskPtr& desk,
                                              const json::Value& body) {
  SentSuite sent = TRY(read_sent_suite(context, desk->services.datasets.datasets, body));
  const std::string version = sent.version;
  const RunPtr run = TRY(open_run(context, *desk, std::move(sent)));
  eval::EvaluationInfo info = TRY(desk->services.store.create(context, info_of(*run, version)));
  run->id = info.id;
  const auto job = submit(context, desk, run);
  if (!job) {
    TRY(desk->services.store.remove(context, run->id));
    return job.error();
  }
  info.job = job->id;
  return info;
}

Result<void> resume_evaluation(const Context& context, const EvaluationDeskPtr& desk,
                               const eval::EvaluationInfo& info) {
  if (!info.request) return {};
  eval::EvaluationInfo again = info;
  int times = 0;
  if (const json::Value* resumed = info.metadata.if_contains(resumed_key);
      resumed && resumed->is_int64())
    times = static_cast<int>(resumed->get_int64());
  if (times >= resumptions_max) return {};
  json::Object wish = *info.request;
  if (info.dataset && info.dataset->version)
    wish["dataset"] = fmt::format("{}@{}", info.dataset->id, *info.dataset->version);
  SentSuite sent = TRY(read_sent_suite(context, desk->services.datasets.datasets, wish));
  sent.request = *info.request;
  const std::string version = sent.version;
  const RunPtr run = TRY(open_run(context, *desk, std::move(sent)));
  run->id = info.id;
  again.metadata[resumed_key] = times + 1;
  TRY(desk->services.store.restart(context, again));
  TRY(submit(context, desk, run));
  log::info("evaluation {} goes on where the end of the program cut it off", info.id);
  return {};
}

}  // namespace slipway::api::detail
