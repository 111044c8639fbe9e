// How suites on the command line reach models, collections and stored datasets.
#pragma once

#include <memory>

#include "app/detail/judges.hpp"
#include "eval/evaluation.hpp"

namespace slipway::app::detail {

/// Must outlive the evaluations that are opened through it, and `app` must outlive it.
class EvalDoors {
 public:
  explicit EvalDoors(App& app) : app_(app), judges_(app) {}
  eval::Doors doors();
  /// Judges ask again what they have asked before.
  void forget_replies() { judges_.forget_replies(); }

 private:
  Result<std::unique_ptr<eval::ModelJudge>> open_judge(const eval::Suite& suite);
  Result<std::unique_ptr<eval::Target>> open_target(const eval::Suite& suite);
  Result<eval::GoldenSet> open_dataset(const std::string& name);

  App& app_;
  Judges judges_;
};

}  // namespace slipway::app::detail
