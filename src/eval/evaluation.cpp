#include "eval/evaluation.hpp"

#include <algorithm>

#include "eval/robustness.hpp"
#include "eval/scripted_judge.hpp"

namespace slipway::eval {

namespace {

/// Whether the local form of this metric reads evidence; others only compute.
bool reads_evidence(const MetricSpec& spec, bool has_judge) {
  const MetricInfo* info = find_metric(spec.name);
  if (!info || spec.mode.value_or(has_judge ? Mode::native : Mode::local) != Mode::local)
    return false;
  const ModeInfo* native = info->find(Mode::native);
  return native && !native->steps.empty();
}

}  // namespace

Error Evaluation::of_metric(Error error, std::size_t index) const {
  const SuiteMetric& metric = suite_.metrics[index];
  const std::string file = suite_.file.empty() ? "the suite" : suite_.file.string();
  const std::string place = metric.line > 0 ? fmt::format("{}: line {}", file, metric.line) : file;
  return std::move(error).within(
      fmt::format("{}: $.metrics[{}] ({})", place, index, metric.spec.label()));
}

Result<void> Evaluation::open_goldens(const Doors& doors) {
  TRY(load_goldens(doors));
  if (!suite_.splits.empty())
    goldens_ = TRY(in_splits(goldens_, suite_.splits).within(suite_.dataset));
  return {};
}

Result<void> Evaluation::load_goldens(const Doors& doors) {
  const std::filesystem::path file = suite_.resolve(suite_.dataset);
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    goldens_ = TRY(load_golden_set(file));
    dataset_file_ = file;
    return {};
  }
  const bool looks_like_file = suite_.dataset.find('/') != std::string::npos ||
                               !std::filesystem::path(suite_.dataset).extension().empty();
  if (doors.open_dataset && !looks_like_file) {
    goldens_ = TRY(doors.open_dataset(suite_.dataset));
    return {};
  }
  return fail(Code::not_found, "the dataset {} is not there{}", file.string(),
              looks_like_file && !suite_.file.empty()
                  ? fmt::format("; 'dataset:' of {} is relative to that file", suite_.file.string())
                  : "");
}

Result<void> Evaluation::open_judges(const Doors& doors) {
  if (!suite_.judge) return {};
  if (suite_.judge->provider == "scripted") {
    // What is scripted says the same every time.
    judges_.push_back(TRY(open_scripted_judge(suite_.resolve(suite_.judge->replies))));
    return {};
  }
  if (!doors.open_judge)
    return fail(Code::unsupported,
                "judges that ask a model cannot be opened here; use 'provider: scripted', or no "
                "judge");
  model_judge_ = TRY(doors.open_judge(suite_));
  for (int repeat = 0; repeat < suite_.repeats; ++repeat)
    judges_.push_back(model_judge_->repeated(static_cast<std::size_t>(repeat)));
  return {};
}

std::optional<JudgeSpent> Evaluation::spent() const {
  return model_judge_ ? std::optional(model_judge_->spent()) : std::nullopt;
}

Result<void> Evaluation::open_metrics(const Doors& doors) {
  const bool needs_evidence =
      std::any_of(suite_.metrics.begin(), suite_.metrics.end(), [&](const SuiteMetric& metric) {
        return reads_evidence(metric.spec, suite_.judge.has_value());
      });
  if (needs_evidence && doors.open_embedder && suite_.embedder != "none")
    embedder_ = TRY(doors.open_embedder(suite_.embedder.value_or("")));
  evidence_ = std::make_unique<LocalEvidence>(embedder_.get());
  if (needs_evidence) parts_->evidence = evidence_->identity();
  TRY(open_judges(doors));
  for (int repeat = 0; repeat < suite_.repeats; ++repeat) {
    const auto index = std::min(static_cast<std::size_t>(repeat), judges_.size() - 1);
    Judge* judge = judges_.empty() ? nullptr : judges_[index].get();
    std::vector<std::unique_ptr<Metric>> metrics;
    for (std::size_t i = 0; i < suite_.metrics.size(); ++i) {
      auto made = make_metric(suite_.metrics[i].spec, {.judge = judge, .local = evidence_.get()});
      if (!made) return of_metric(std::move(made.error()), i);
      metrics.push_back(*std::move(made));
    }
    parts_->metrics.push_back(std::move(metrics));
  }
  if (!judges_.empty()) parts_->judge = judges_.front()->identity();
  return {};
}

Result<NamedPerturb> Evaluation::own_perturbation(const std::string& name) const {
  const Perturbation kind = TRY(parse_perturbation(name).within("$.robustness"));
  // Distractors come from these; more would only cost memory.
  constexpr std::size_t others_max = 200;
  std::vector<Golden> others;
  for (std::size_t i = 0; i < std::min(goldens_.size(), others_max); ++i)
    others.push_back(goldens_.at(i));
  const PerturbationOptions options{.seed = suite_.seed};
  return NamedPerturb{name,
                      [kind, options, others = std::move(others)](const Golden& golden, std::size_t)
                          -> Result<Golden> { return perturb(kind, golden, others, options); }};
}

Result<std::unique_ptr<Evaluation>> Evaluation::open(Suite suite, const Doors& doors) {
  auto evaluation = std::make_unique<Evaluation>(Passkey(), std::move(suite));
  const Suite& own = evaluation->suite_;
  evaluation->parts_ =
      std::make_unique<RunParts>(RunParts{.suite = own, .goldens = evaluation->goldens_});
  TRY(evaluation->open_goldens(doors));
  TRY(evaluation->open_metrics(doors));
  if (own.target) {
    if (!doors.open_target)
      return fail(Code::unsupported,
                  "targets cannot be opened here; let the goldens hold their "
                  "actual_output");
    evaluation->target_ = TRY(doors.open_target(own));
    evaluation->parts_->target = evaluation->target_.get();
  }
  for (const std::string& name : own.robustness) {
    evaluation->parts_->perturbations.push_back(
        TRY(doors.open_perturbation ? doors.open_perturbation(name, own, evaluation->goldens_)
                                    : evaluation->own_perturbation(name)));
  }
  return evaluation;
}

}  // namespace slipway::eval
