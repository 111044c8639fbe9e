#include "eval/written_experiment.hpp"

#include "eval/experiments.hpp"
#include "trace/face.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t batch_size = 500, comment_bytes_max = 2000;

std::string session_id(const std::string& evaluation_id) {
  return trace::uuid_of("evaluation\n" + evaluation_id);
}

trace::Session session_of(const EvaluationInfo& info, trace::Nanoseconds start) {
  trace::Session session;
  session.id = session_id(info.id);
  // Names are unique; the end of the id tells two evaluations of one name apart.
  constexpr std::size_t shown = 8;
  session.name =
      fmt::format("{}-{}", info.name,
                  info.id.size() > shown ? info.id.substr(info.id.size() - shown) : info.id);
  session.reference_dataset_id = info.dataset->id;
  json::Object metadata{{evaluation_key, info.id}};
  if (info.dataset->version) metadata["dataset_version"] = *info.dataset->version;
  if (!info.target.empty()) metadata["target"] = info.target;
  if (!info.judge.empty()) metadata["judge"] = info.judge;
  session.extra = {{"metadata", std::move(metadata)}};
  session.start = start;
  return session;
}

trace::Payload payload(json::Object object) {
  return {.bytes = json::dump(object), .is_text = false};
}

trace::RunPatch run_of(const EvaluationInfo& info, const std::string& project,
                       const std::string& example_id, const EvaluationCase& one,
                       trace::Nanoseconds start) {
  trace::RunPatch run;
  run.id = trace::uuid_of(fmt::format("evaluation\n{}\n{}", info.id, one.id));
  run.trace_id = run.id;
  run.project = project;
  run.name = info.target.empty() ? info.name : info.target;
  run.kind = trace::Kind::chain;
  run.reference_example_id = example_id;
  run.inputs = payload({{"input", one.input}});
  if (one.actual_output) run.outputs = payload({{"output", *one.actual_output}});
  if (one.error) run.error = *one.error;
  run.status = one.error ? trace::Status::error : trace::Status::ok;
  run.start = start;
  constexpr double nanoseconds_of_ms = 1e6;
  run.end = start + static_cast<trace::Nanoseconds>(one.latency_ms.value_or(0) * nanoseconds_of_ms);
  run.metadata = {{evaluation_key, info.id}};
  if (one.trace_id) run.metadata["target_trace"] = *one.trace_id;
  return run;
}

void add_feedback(const trace::RunPatch& run, const std::string& session, const EvaluationCase& one,
                  std::vector<trace::Feedback>& all) {
  for (const auto& [metric, score] : one.scores) {
    if (!score.score && !score.error) continue;
    trace::Feedback feedback;
    feedback.id = trace::uuid_of(run.id + "\n" + metric);
    feedback.run_id = run.id;
    feedback.trace_id = run.trace_id;
    feedback.session_id = session;
    feedback.key = metric;
    if (score.score) feedback.score = *score.score;
    if (score.error) feedback.error = true;
    const std::string& words = score.error ? *score.error : score.reason;
    if (!words.empty()) feedback.comment = words.substr(0, comment_bytes_max);
    feedback.source = {{"type", "model"}, {"metadata", json::Object{{"metric", metric}}}};
    feedback.start_time = run.start;
    all.push_back(std::move(feedback));
  }
}

}  // namespace

Result<void> write_experiment(const Context& context, const datasets::Services& services,
                              const EvaluationInfo& info, const ExampleIds& examples,
                              std::vector<EvaluationCase>& cases) {
  if (!info.dataset || examples.empty()) return {};
  const trace::Nanoseconds start =
      std::chrono::nanoseconds(TRY(parse_time(info.created_at)).time_since_epoch()).count();
  const trace::Session session =
      TRY(services.traces.sessions.create(context, session_of(info, start)));
  std::vector<trace::RunPatch> runs;
  std::vector<trace::Feedback> feedback;
  const auto flush = [&]() -> Result<void> {
    TRY(services.traces.store.ingest(context, std::exchange(runs, {})));
    if (!feedback.empty()) TRY(services.traces.feedbacks.put(context, std::exchange(feedback, {})));
    return {};
  };
  for (EvaluationCase& one : cases) {
    const auto example = examples.find(one.id);
    if (example == examples.end()) continue;
    // In the order of the cases: a run begins a microsecond after the one before.
    constexpr trace::Nanoseconds step = 1000;
    runs.push_back(run_of(info, session.name, example->second, one,
                          start + step * static_cast<trace::Nanoseconds>(&one - cases.data())));
    add_feedback(runs.back(), session.id, one, feedback);
    one.run_id = runs.back().id;
    if (!one.trace_id) one.trace_id = runs.back().id;
    if (runs.size() == batch_size) TRY(flush());
  }
  return runs.empty() ? Result<void>() : flush();
}

Result<void> remove_experiment(const Context& context, const datasets::Services& services,
                               const std::string& evaluation_id) {
  const auto session =
      TRY(trace::find_session(context, services.traces, session_id(evaluation_id)));
  if (!session) return {};
  constexpr int page_size = 1000;
  trace::Query query;
  query.project = session->name;
  query.limit = page_size;
  for (bool has_more = true; has_more;) {
    const auto page = TRY(services.traces.store.traces(context, query));
    has_more = page.items.size() == page_size;
    for (const trace::TraceSummary& one : page.items) {
      const auto gone = services.traces.store.remove(context, one.id);
      if (!gone && gone.error().code() != Code::not_found) return gone.error();
    }
  }
  return services.traces.sessions.remove(context, session->id);
}

}  // namespace slipway::eval
