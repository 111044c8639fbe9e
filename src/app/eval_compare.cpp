// `slipway eval compare` and `report`: of results that are there.
#include "app/detail/eval_output.hpp"
#include "app/eval_commands.hpp"

namespace slipway::app {

namespace {

struct Results {
  eval::EvalResult result;
  std::optional<eval::EvalResult> baseline;
  std::optional<eval::Suite> suite;
  std::optional<eval::Details> details;
};

Result<Results> read_all(const EvalReportOptions& options) {
  Results all;
  all.result = TRY(eval::read_result(options.result));
  if (!options.baseline.empty()) all.baseline = TRY(eval::read_result(options.baseline));
  all.suite = eval::suite_of(all.result);
  if (!options.suite.empty()) all.suite = TRY(eval::read_suite(options.suite));
  if (!options.details.empty())
    all.details = TRY(detail::read_details(options.details, all.result));
  return all;
}

Result<int> show(App& app, const EvalReportOptions& options) {
  auto read = read_all(options);
  if (!read) return app.wrong_use(read.error());
  const eval::EvalResult* baseline = read->baseline ? &*read->baseline : nullptr;
  const eval::Decision decision = eval::decide(
      *read->suite, read->result, {.baseline = baseline, .accept_changes = options.accept_changes});
  read->result.gate = eval::gate_json(decision);
  const eval::ReportInput input{.suite = *read->suite,
                                .result = read->result,
                                .decision = decision,
                                .baseline = baseline,
                                .details = read->details ? &*read->details : nullptr,
                                .suite_file = detail::shown_path(read->suite->file),
                                .dataset_file = {}};
  TRY(detail::write_outputs(app, input,
                            {.output = {},
                             .junit = options.junit,
                             .html = options.html,
                             .details = {},
                             .format = options.format}));
  return decision.exit_code();
}

}  // namespace

Result<int> eval_compare(App& app, const EvalReportOptions& options) { return show(app, options); }

Result<int> eval_report(App& app, const EvalReportOptions& options) {
  const int code = TRY(show(app, options));
  // Writing a report of a bad run is no failure; wrong use is.
  return code == exit_failed ? exit_done : code;
}

}  // namespace slipway::app
