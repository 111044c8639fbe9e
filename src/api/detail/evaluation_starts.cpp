// /api/evaluations: begun, cancelled, deleted, kept from happening again.
#include "api/detail/evaluation_run.hpp"
#include "core/log.hpp"

namespace slipway::api::detail {

namespace {

struct StartPath {
  bool wait = false;
  static constexpr std::string_view schema_notes = R"({"properties": {"wait": {"description":
    "Answer with the result when it is there, instead of at once with a job."}}})";
};
BOOST_DESCRIBE_STRUCT(StartPath, (), (wait))

struct StartReply {
  JobInfo job;
  eval::EvaluationInfo evaluation;
};
BOOST_DESCRIBE_STRUCT(StartReply, (), (job, evaluation))

using Started = std::variant<http::Written<EvaluationResult>, http::Accepted<StartReply>>;

Result<Started> start(const http::Call& call, const EvaluationDeskPtr& desk,
                      const StartPath& path) {
  const Context& context = call.context();
  const json::Value body = TRY(json::parse(call.request().body));
  const eval::EvaluationInfo info = TRY(begin_evaluation(context, desk, body));
  const std::string job = info.job.value_or("");
  if (path.wait) {
    TRY(desk->services.jobs.wait(context, job));
    return Started(TRY(desk->result(context, info.id, EvaluationDesk::ResultPart::all)));
  }
  http::Accepted<StartReply> accepted;
  accepted.value.job = TRY(desk->services.jobs.get(context, job));
  accepted.value.evaluation = info;
  accepted.location = "/api/evaluations/" + info.id;
  return Started(std::move(accepted));
}

bool is_live(const eval::EvaluationInfo& info) {
  return info.state == eval::EvaluationState::queued ||
         info.state == eval::EvaluationState::running;
}

/// Asks one that waits or runs to stop; one that has ended stays as it is.
Result<eval::EvaluationInfo> cancel(const Context& context, const EvaluationDesk& desk,
                                    const std::string& id) {
  eval::EvaluationInfo info = TRY(desk.evaluations.get(context, id));
  if (info.source == eval::EvaluationSource::experiment)
    return fail(Code::conflict, "'{}' is the project of an experiment: whoever runs it ends it",
                info.name);
  desk.bring_up_to_date(context, info);
  if (!is_live(info)) return info;
  if (info.job) TRY(desk.services.jobs.cancel(context, *info.job));
  if (info.state == eval::EvaluationState::queued)
    TRY(desk.services.store.end(
        context, id,
        {.state = eval::EvaluationState::cancelled, .error = "it was cancelled while it waited"}));
  return desk.services.store.get(context, id);
}

using Removed = std::variant<http::Accepted<eval::EvaluationInfo>, http::NoContent>;

Result<Removed> remove(const Context& context, const EvaluationDesk& desk, const std::string& id) {
  eval::EvaluationInfo info = TRY(desk.evaluations.get(context, id));
  if (info.source == eval::EvaluationSource::experiment)
    return fail(Code::conflict, "'{}' is the project of an experiment: delete that, with its runs",
                info.name);
  desk.bring_up_to_date(context, info);
  if (!is_live(info)) {
    TRY(eval::remove_experiment(context, desk.services.datasets, id));
    TRY(desk.services.store.remove(context, id));
    return Removed(http::NoContent{});
  }
  http::Accepted<eval::EvaluationInfo> accepted;
  accepted.value = TRY(cancel(context, desk, id));
  accepted.location = "/api/evaluations/" + id;
  return Removed(std::move(accepted));
}

struct RegressionBody {
  std::string dataset = "regressions";
  std::string item;
  std::optional<std::string> expected_output;
  static constexpr std::string_view required[] = {"item"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "dataset": {"minLength": 1, "maxLength": 512, "pattern": "^[^/@]+$", "description":
      "Where its golden goes; it is made where there is none."},
    "item": {"minLength": 1, "maxLength": 1024, "description": "The id of the case."},
    "expected_output": {"description": "What should have come; absent: as the case says."}}})";
};
BOOST_DESCRIBE_STRUCT(RegressionBody, (), (dataset, item, expected_output))

struct RegressionReply {
  std::string dataset, version;
  std::vector<std::string> ids;
  std::int64_t skipped = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "ids": {"description": "Of the golden, where it was added or changed."},
    "skipped": {"description": "1: it was there already, as it is."}}})";
};
BOOST_DESCRIBE_STRUCT(RegressionReply, (), (dataset, version, ids, skipped))

/// The same case gives the same golden, so that it is there once.
eval::Golden golden_of(const eval::EvaluationInfo& info, const eval::EvaluationCase& one,
                       const RegressionBody& body) {
  eval::Golden golden{.id = one.id, .input = one.input};
  golden.expected_output = body.expected_output ? body.expected_output : one.expected_output;
  if (one.trace_id) golden.trace_id = *one.trace_id;
  golden.metadata["severity"] = "critical";
  golden.metadata["from_evaluation"] = info.name;
  if (!one.cluster.empty()) golden.metadata["document"] = one.cluster;
  return golden;
}

void mount_changes(http::Api& api, const EvaluationDeskPtr& desk) {
  api.remove<EvaluationPath, Removed>(
      "/api/evaluations/{id}",
      {.summary = "Cancel an evaluation, or delete one that has ended",
       .description = "One that waits or runs is asked to stop and given with 202; one that has "
                      "ended is deleted with its cases: 204.",
       .tag = "evaluations",
       .role = "write",
       .name = "delete_evaluation",
       .fails = {Code::not_found, Code::conflict}},
      [desk](const http::Call& call, const EvaluationPath& path) {
        return remove(call.context(), *desk, path.id);
      });
  api.post<EvaluationPath, http::NoBody, eval::EvaluationInfo>(
      "/api/evaluations/{id}/cancel",
      {.summary = "Cancel an evaluation",
       .description = "One that waits or runs is asked to stop; one that has ended stays as it is, "
                      "with its cases.",
       .tag = "evaluations",
       .role = "write",
       .name = "cancel_evaluation",
       .fails = {Code::not_found, Code::conflict}},
      [desk](const http::Call& call, const EvaluationPath& path, const http::NoBody&) {
        return cancel(call.context(), *desk, path.id);
      });
  api.post<EvaluationPath, RegressionBody, RegressionReply>(
      "/api/evaluations/{id}/regressions",
      {.summary = "Keep a case from failing again: as a critical golden of a dataset",
       .tag = "evaluations",
       .role = "write",
       .name = "add_regression",
       .fails = {Code::not_found}},
      [desk](const http::Call& call, const EvaluationPath& path,
             const RegressionBody& body) -> Result<RegressionReply> {
        const Context& context = call.context();
        const auto info = TRY(desk->evaluations.get(context, path.id));
        const auto one = TRY(desk->evaluations.find_case(context, path.id, body.item));
        const auto report =
            TRY(eval::add_goldens(context, desk->services.datasets.datasets, body.dataset,
                                  {golden_of(info, one, body)}, eval::Merge::into));
        RegressionReply reply{.dataset = report.dataset, .version = report.version.digest};
        reply.skipped = static_cast<std::int64_t>(report.unchanged);
        if (report.added + report.changed > 0) reply.ids = {one.id};
        return reply;
      });
}

}  // namespace

void mount_evaluation_runs(http::Api& api, const EvaluationDeskPtr& desk) {
  api.post<StartPath, SuiteBody, Started>(
      "/api/evaluations",
      {.summary = "Run a suite over a stored dataset",
       .description = "Answers at once with a job and the evaluation that it makes, or with "
                      "`?wait=true` when the result is there. Cases that fail are in the result.",
       .tag = "evaluations",
       .role = "write",
       .name = "start_evaluation",
       .fails = {Code::not_found, Code::conflict, Code::forbidden, Code::unsupported,
                 Code::unavailable, Code::cancelled, Code::deadline_exceeded}},
      [desk](const http::Call& call, const StartPath& path, const SuiteBody&) {
        return start(call, desk, path);
      });
  mount_changes(api, desk);
  for (const std::string& id : desk->services.store.take_interrupted()) {
    const auto info = desk->services.store.get({}, id);
    const auto resumed = info ? resume_evaluation({}, desk, *info) : info.error();
    if (!resumed) log::warning("evaluation {} does not go on: {}", id, resumed.error().message());
  }
}

}  // namespace slipway::api::detail
