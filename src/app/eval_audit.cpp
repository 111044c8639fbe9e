// `slipway eval audit`: a judge beside people.
#include <atomic>
#include <mutex>

#include "app/detail/judges.hpp"
#include "app/detail/line_reader.hpp"
#include "app/eval_commands.hpp"
#include "app/terminal.hpp"
#include "core/guarded.hpp"
#include "core/pool.hpp"
#include "eval/audit.hpp"
#include "eval/local_evidence.hpp"
#include "eval/metric.hpp"

namespace slipway::app {

namespace {

Result<std::vector<eval::AuditLabel>> read_labels(const std::string& file) {
  constexpr std::size_t labels_max = 1'000'000;
  detail::LineReader reader = TRY(detail::LineReader::open(file));
  std::vector<eval::AuditLabel> labels;
  for (auto line = TRY(reader.next()); line; line = TRY(reader.next())) {
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    if (labels.size() == labels_max)
      return fail(Code::invalid_argument, "{}: more than {} labels", reader.name(), labels_max);
    const std::string where = fmt::format("{}:{}", reader.name(), reader.line());
    labels.push_back(TRY(eval::parse_label(TRY(json::parse(*line).within(where))).within(where)));
  }
  return labels;
}

/// "k=5" is a number, "form=not_contradicted" a text.
Result<json::Object> options_of(const std::vector<std::string>& entries) {
  json::Object options;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Code::invalid_argument, "--option {}: expected KEY=VALUE", entry);
    const std::string text = entry.substr(equals + 1);
    const auto value = json::parse(text);
    options[entry.substr(0, equals)] = value ? *value : json::Value(boost::json::string(text));
  }
  return options;
}

/// A judge that is run on the cases of labels.
class Judging {
 public:
  Judging(App& app, const EvalAuditOptions& options) : app_(app), options_(options), judges_(app) {}

  /// Fails: invalid_argument and not_found, as for a command line that is wrong.
  Result<void> open() {
    json::Object wished = TRY(options_of(options_.options));
    eval::MetricSpec spec{
        .name = options_.metric, .as = "", .mode = {}, .options = std::move(wished)};
    if (!options_.mode.empty())
      spec.mode = TRY(json::from<eval::Mode>(json::Value(options_.mode.c_str())));
    if (options_.judge.empty() && !spec.mode) spec.mode = eval::Mode::local;
    embedder_ = TRY(detail::open_evidence_embedder(app_, options_.embedder));
    local_ = std::make_unique<eval::LocalEvidence>(embedder_.get());
    if (!options_.judge.empty()) TRY(open_judge());
    for (int sample = 0; sample <= options_.repeats; ++sample) {
      if (judge_) asked_.push_back(judge_->repeated(static_cast<std::size_t>(sample)));
      metrics_.push_back(TRY(eval::make_metric(
          spec, {.judge = asked_.empty() ? nullptr : asked_.back().get(), .local = local_.get()})));
    }
    return {};
  }

  Result<void> run(std::vector<eval::AuditLabel>& labels) {
    Progress progress(app_.err(), {.style = app_.err_style(),
                                   .is_quiet = app_.options().quiet,
                                   .what = "audit",
                                   .unit = "cases"});
    std::mutex showing;
    std::int64_t done = 0;
    return parallel_for(
        app_.context(), labels.size(), core_count(), [&](std::size_t i) -> Result<void> {
          TRY(judge(labels[i]));
          const std::lock_guard lock(showing);
          progress.show(++done, static_cast<std::int64_t>(labels.size()), labels[i].id);
          return {};
        });
  }

  /// Then cases are left that nobody judged.
  bool is_budget_spent() const { return is_budget_spent_; }

  /// Then they are left out.
  bool has_unreadable() const {
    return unreadable_.with([](const Unreadable& cases) { return cases.count > 0; });
  }

  void tell() const {
    unreadable_.with([&](const Unreadable& cases) {
      if (cases.count > 0)
        app_.complain(fmt::format("{} of the judge's scores could not be read and are left out: {}",
                                  cases.count, cases.first));
    });
    if (!judge_) return;
    const eval::JudgeSpent spent = judge_->spent();
    app_.note(fmt::format("{} calls, {} replies from the cache, {} + {} tokens, {:.6f} USD",
                          spent.calls, spent.cached, spent.input_tokens, spent.output_tokens,
                          spent.usd));
  }

 private:
  Result<void> open_judge() {
    eval::JudgeSpec spec;
    spec.model = options_.judge;
    spec.prompts = options_.prompts;
    spec.embedder = options_.embedder;
    spec.cache = !options_.no_cache;
    spec.max_tokens = options_.max_tokens;
    if (options_.budget_calls || options_.budget_usd)
      spec.budget = eval::BudgetSpec{options_.budget_usd, options_.budget_calls};
    judge_ = TRY(judges_.open(spec, {}, ""));
    return {};
  }

  Result<std::optional<double>> score(std::size_t sample, const eval::Golden& golden) const {
    auto score = metrics_[sample]->score(app_.context(), golden);
    if (score) return score->value;
    if (eval::is_budget_spent(score.error())) {
      is_budget_spent_ = true;
      return std::optional<double>();
    }
    // Of two replies none could be read: an error of this case alone.
    if (judge_ && score.error().code() == Code::invalid_argument) {
      unreadable_.with([&](Unreadable& cases) {
        if (cases.count++ == 0) cases.first = score.error().message();
      });
      return std::optional<double>();
    }
    return std::move(score.error()).within("case '" + golden.id + "'");
  }

  Result<void> judge(eval::AuditLabel& label) const {
    if (!label.golden || label.judge) return {};
    label.judge = TRY(score(0, *label.golden));
    if (!label.judge) return {};
    if (options_.repeats > 0) label.repeats = {*label.judge};
    for (int repeat = 1; repeat <= options_.repeats; ++repeat)
      if (const auto value = TRY(score(static_cast<std::size_t>(repeat), *label.golden)))
        label.repeats.push_back(*value);
    if (!options_.swap) return {};
    eval::Golden swapped = *label.golden;
    for (auto* passages : {&swapped.retrieval_context, &swapped.context})
      if (*passages) std::reverse((*passages)->begin(), (*passages)->end());
    label.swapped = TRY(score(0, swapped));
    return {};
  }

  App& app_;
  const EvalAuditOptions& options_;
  detail::Judges judges_;
  std::shared_ptr<models::Embedder> embedder_;
  std::unique_ptr<eval::LocalEvidence> local_;
  std::unique_ptr<eval::ModelJudge> judge_;
  std::vector<std::unique_ptr<eval::Judge>> asked_;     ///< By sample.
  std::vector<std::unique_ptr<eval::Metric>> metrics_;  ///< By sample.
  struct Unreadable {
    std::size_t count = 0;
    std::string first;
  };
  mutable Guarded<Unreadable> unreadable_;
  mutable std::atomic<bool> is_budget_spent_ = false;
};

std::string line_of(std::string_view name, const eval::Figure& figure) {
  if (!figure.value) return fmt::format("{:<22} {:>8}  {}\n", name, "-", figure.reason);
  const std::string interval =
      figure.low && figure.high ? fmt::format("[{:.4f}, {:.4f}]", *figure.low, *figure.high) : "";
  return fmt::format("{:<22} {:>8.4f}  {:<20} {:>7}  {}\n", name, *figure.value, interval, figure.n,
                     figure.method);
}

std::string table_of(const eval::Audit& audit) {
  std::string text = fmt::format("{} labels, {} clusters, {} without human; passes at {}\n",
                                 audit.labels, audit.clusters, audit.unlabelled, audit.threshold);
  text += fmt::format("{:<22} {:>8}  {:<20} {:>7}  {}\n", "", "value", "95 % interval", "n", "by");
  text += line_of("kappa", audit.kappa) + line_of("agreement", audit.agreement) +
          line_of("people say yes", audit.base_rate) +
          line_of("judge says yes", audit.judge_pass_rate) + line_of("TPR", audit.tpr) +
          line_of("TNR", audit.tnr) + line_of("AUC", audit.auc) +
          line_of("flips by order", audit.swap_flip_rate) +
          line_of("flips by repeat", audit.repeat_flip_rate) +
          line_of("length bias", audit.length_bias) +
          line_of("corrected pass rate", audit.corrected_pass_rate);
  return text;
}

}  // namespace

Result<int> eval_audit(App& app, const EvalAuditOptions& options) {
  auto labels = read_labels(options.file);
  if (!labels) return app.wrong_use(labels.error());
  const bool has_cases = std::any_of(labels->begin(), labels->end(), [](const auto& label) {
    return label.golden && !label.judge;
  });
  if (has_cases && options.metric.empty())
    return app.wrong_use(fail(Code::invalid_argument,
                              "lines have a 'case' and no 'judge'; name the --metric to run"));
  bool is_whole = true;
  if (!options.metric.empty()) {
    Judging judging(app, options);
    if (const auto opened = judging.open(); !opened) return app.wrong_use(opened.error());
    TRY(judging.run(*labels));
    judging.tell();
    if (judging.is_budget_spent())
      app.complain("the budget of the judge is spent; cases without verdict are left out");
    is_whole = !judging.is_budget_spent() && !judging.has_unreadable();
  }
  const auto audit = eval::audit(
      *labels, {.threshold = options.threshold,
                .resampling = {.seed = options.seed,
                               .resamples = static_cast<std::size_t>(options.resamples)}});
  if (!audit && !is_whole) return audit.error();
  if (!audit) return app.wrong_use(audit.error());
  if (app.options().json)
    app.print_json(json::to(*audit));
  else
    app.print(table_of(*audit));
  return is_whole ? exit_done : exit_failed;
}

}  // namespace slipway::app
