// `slipway eval run`, `gate` and `baseline`.
#include "app/detail/eval_doors.hpp"
#include "app/detail/eval_output.hpp"
#include "app/eval_commands.hpp"
#include "core/files.hpp"

namespace slipway::app {

namespace {

/// How many cases run at once where they wait for models and other programs.
constexpr std::size_t waiting_jobs = 8;

std::filesystem::path journal_of(const eval::Suite& suite) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(suite.file, ignored);
  constexpr std::size_t prefix = std::string_view("sha256:").size(), digits = 16;
  const std::string name = sha256(whole.string()).substr(prefix, digits) + ".jsonl";
  return cache_directory() / "eval" / "runs" / name;
}

/// One run of a suite and all that it writes.
class SuiteRun {
 public:
  SuiteRun(App& app, const EvalRunOptions& options) : app_(app), options_(options), doors_(app) {
    if (options.no_cache) doors_.forget_replies();
  }

  Result<void> open() {
    eval::Suite suite = TRY(eval::read_suite(options_.suite));
    evaluation_ = TRY(eval::Evaluation::open(std::move(suite), doors_.doors()));
    return {};
  }
  const eval::Suite& suite() const { return evaluation_->suite(); }

  /// Whether there is one. Fails: not_found (the one that was named), and as reading a result.
  Result<bool> read_baseline() {
    const std::string& named = options_.baseline;
    if (named.empty() && suite().baseline.empty()) return false;
    auto file = named.empty() ? suite().resolve(suite().baseline) : std::filesystem::path(named);
    std::error_code ignored;
    if (named.empty() && !std::filesystem::exists(file, ignored)) file = suite().baseline;
    if (!std::filesystem::exists(file, ignored)) {
      if (!named.empty()) return fail(Code::not_found, "the baseline {} is not there", named);
      app_.note(
          fmt::format("the baseline {} is not there, so nothing is compared; make it with "
                      "slipway eval baseline {} --output {}",
                      file.string(), options_.suite, file.string()));
      return false;
    }
    baseline_ = TRY(eval::read_result(file));
    return true;
  }

  Result<void> run() {
    Progress progress(app_.err(), {.style = app_.err_style(),
                                   .is_quiet = app_.options().quiet,
                                   .what = "eval",
                                   .unit = "cases"});
    eval::RunOptions how;
    how.threads = options_.jobs > 0 ? options_.jobs : evaluation_->waits() ? waiting_jobs : 0;
    how.journal = journal_of(suite());
    std::error_code ignored;
    if (options_.fresh) std::filesystem::remove(how.journal, ignored);
    if (options_.html.empty() && options_.details.empty()) how.details_bytes_max = 0;
    how.on_progress = [&](std::size_t done, std::size_t all) {
      progress.show(static_cast<std::int64_t>(done), static_cast<std::int64_t>(all), suite().name);
    };
    auto outcome = eval::run_suite(app_.context(), evaluation_->parts(), how);
    progress.clear();
    if (!outcome && outcome.error().code() == Code::cancelled)
      app_.note("what is done stays; run the same command again to go on");
    outcome_ = TRY(std::move(outcome));
    tell();
    return {};
  }

  Result<int> finish() {
    const eval::Decision decision = eval::decide(suite(), outcome_.result,
                                                 {.baseline = baseline_ ? &*baseline_ : nullptr,
                                                  .accept_changes = options_.accept_changes,
                                                  .budget_spent = outcome_.budget_spent});
    outcome_.result.gate = eval::gate_json(decision);
    const eval::ReportInput input{
        .suite = suite(),
        .result = outcome_.result,
        .decision = decision,
        .baseline = baseline_ ? &*baseline_ : nullptr,
        .details = options_.html.empty() && options_.details.empty() ? nullptr : &outcome_.details,
        .goldens = &evaluation_->goldens(),
        .suite_file = detail::shown_path(suite().file),
        .dataset_file = detail::shown_path(evaluation_->dataset_file())};
    TRY(detail::write_outputs(app_, input,
                              {.output = options_.output,
                               .junit = options_.junit,
                               .html = options_.html,
                               .details = options_.details,
                               .format = options_.format}));
    return decision.exit_code();
  }

  Result<int> write_baseline() {
    const std::string file = options_.output;
    TRY(write_file_atomically(file, eval::to_text(outcome_.result)));
    const eval::Decision decision = eval::decide(suite(), outcome_.result, {});
    if (app_.options().json)
      app_.print(eval::to_text(outcome_.result));
    else
      app_.print(render(decision));
    app_.note(fmt::format("wrote {}; commit it", file));
    return exit_done;
  }

 private:
  std::string render(const eval::Decision& decision) const {
    return detail::table_of(outcome_.result, decision, app_.out_style());
  }

  void tell() {
    if (outcome_.resumed > 0)
      app_.note(fmt::format("{} cases were done before the interruption", outcome_.resumed));
    for (const std::string& note : outcome_.notes) app_.note("not scored: " + printable(note));
    if (const auto spent = evaluation_->spent())
      app_.note(fmt::format("the judge was asked {} times, {} replies were known, ${:.4f}",
                            spent->calls, spent->cached, spent->usd));
  }

  App& app_;
  const EvalRunOptions& options_;
  detail::EvalDoors doors_;
  std::unique_ptr<eval::Evaluation> evaluation_;
  std::optional<eval::EvalResult> baseline_;
  eval::RunOutcome outcome_;
};

/// What a wrong suite or a missing file is to the person who typed: wrong use.
bool is_wrong_use(const Error& error) {
  return error.code() == Code::invalid_argument || error.code() == Code::not_found ||
         error.code() == Code::conflict || error.code() == Code::unsupported ||
         error.code() == Code::forbidden;
}

enum class Baseline { optional, required, none };

Result<int> run_and_finish(App& app, const EvalRunOptions& options, Baseline baseline) {
  SuiteRun run(app, options);
  if (auto opened = run.open(); !opened)
    return is_wrong_use(opened.error()) ? Result<int>(app.wrong_use(opened.error()))
                                        : std::move(opened.error());
  if (baseline != Baseline::none) {
    const auto found = run.read_baseline();
    if (!found) return app.wrong_use(found.error());
    if (!*found && baseline == Baseline::required)
      return app.wrong_use(fail(Code::not_found,
                                "there is no baseline to compare with; name one "
                                "with --baseline FILE, or in the suite"));
  }
  TRY(run.run());
  return baseline == Baseline::none ? run.write_baseline() : run.finish();
}

}  // namespace

Result<int> eval_run(App& app, const EvalRunOptions& options) {
  return run_and_finish(app, options, Baseline::optional);
}

Result<int> eval_gate(App& app, const EvalRunOptions& options) {
  return run_and_finish(app, options, Baseline::required);
}

Result<int> eval_baseline(App& app, const EvalRunOptions& options) {
  return run_and_finish(app, options, Baseline::none);
}

}  // namespace slipway::app
