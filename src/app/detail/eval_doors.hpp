// How suites on the command line reach models, collections and stored datasets.
#pragma once

#include <memory>
#include <vector>

#include "app/app.hpp"
#include "eval/evaluation.hpp"

namespace slipway::app::detail {

/// Must outlive the evaluations that are opened through it, and `app` must outlive it.
class EvalDoors {
 public:
  explicit EvalDoors(App& app) : app_(app) {}
  eval::Doors doors();
  /// Judges ask again what they have asked before.
  void forget_replies() { uses_cache_ = false; }

 private:
  Result<std::unique_ptr<eval::ModelJudge>> open_judge(const eval::Suite& suite);
  Result<std::shared_ptr<models::Embedder>> open_embedder(const std::string& name);

  App& app_;
  bool uses_cache_ = true;
  std::unique_ptr<eval::JudgeCache> cache_;
  std::vector<std::shared_ptr<models::ChatModel>> models_;
  std::vector<std::shared_ptr<models::Embedder>> embedders_;
};

}  // namespace slipway::app::detail
