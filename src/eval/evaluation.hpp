// A suite made ready to run: its goldens, judge, metrics and target, opened and checked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eval/judge.hpp"
#include "eval/local_evidence.hpp"
#include "eval/model_judge.hpp"
#include "eval/runner.hpp"

namespace slipway::eval {

/// How a suite reaches what is not of this module. Each may be empty: then a suite that needs it is
/// refused (unsupported), but for the last.
struct Doors {
  /// NAME@version of the stored datasets.
  std::function<Result<GoldenSet>(const std::string& name)> open_dataset;
  std::function<Result<std::unique_ptr<Target>>(const Suite& suite)> open_target;
  /// A judge that asks a model.
  std::function<Result<std::unique_ptr<ModelJudge>>(const Suite& suite)> open_judge;
  /// Of local forms; `name` empty: the default one, and null where it is not installed.
  std::function<Result<std::shared_ptr<models::Embedder>>(const std::string& name)> open_embedder;
  /// Instead of those of robustness.hpp. The goldens outlive the perturbation.
  std::function<Result<NamedPerturb>(const std::string& name, const Suite& suite,
                                     const GoldenSet& goldens)>
      open_perturbation;
};

class Evaluation {
  struct Passkey {};

 public:
  Evaluation(Passkey, Suite suite) : suite_(std::move(suite)) {}
  /// Fails: invalid_argument (a metric, an option; with file and line), not_found (dataset,
  /// replies), and as the doors do.
  static Result<std::unique_ptr<Evaluation>> open(Suite suite, const Doors& doors);

  const Suite& suite() const { return suite_; }
  const GoldenSet& goldens() const { return goldens_; }
  /// The dataset's file; empty: it is a stored one.
  const std::filesystem::path& dataset_file() const { return dataset_file_; }
  /// What was asked of a model; nothing: the judge is none.
  std::optional<JudgeSpent> spent() const;
  /// Whether cases wait for models or other programs, so that more than one per core may run.
  bool waits() const { return target_ || model_judge_; }
  const RunParts& parts() const { return *parts_; }

 private:
  Result<void> open_goldens(const Doors& doors);
  Result<void> load_goldens(const Doors& doors);
  Result<void> open_metrics(const Doors& doors);
  Result<void> open_judges(const Doors& doors);
  Result<NamedPerturb> own_perturbation(const std::string& name) const;
  Error of_metric(Error error, std::size_t index) const;

  Suite suite_;
  GoldenSet goldens_;
  std::filesystem::path dataset_file_;
  std::shared_ptr<models::Embedder> embedder_;
  std::unique_ptr<LocalEvidence> evidence_;
  std::unique_ptr<ModelJudge> model_judge_;
  std::vector<std::unique_ptr<Judge>> judges_;  ///< One per repeat, or one for all.
  std::unique_ptr<Target> target_;
  std::unique_ptr<RunParts> parts_;
};

}  // namespace slipway::eval
