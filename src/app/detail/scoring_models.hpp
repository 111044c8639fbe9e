// What metrics on traffic ask, opened in one place: rules and entries of `evaluations.online`.
#pragma once

#include <memory>
#include <string>

#include "budgets/ledger.hpp"
#include "eval/local_evidence.hpp"
#include "eval/metric.hpp"
#include "eval/model_judge.hpp"
#include "eval/suite.hpp"
#include "models/catalog.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

struct ScoringParts {
  std::shared_ptr<models::Catalog> catalog;
  std::string default_embedder;
  trace::Recorder* recorder = nullptr;  ///< Must outlive what is opened, as the next one.
  budgets::Ledger& ledger;
};

/// In the order in which they end. Judges pay as the project "evaluations".
class ScoringModels {
 public:
  ScoringModels(const ScoringModels&) = delete;
  ScoringModels& operator=(const ScoringModels&) = delete;
  /// Without the default embedder local forms go by words alone, and `embedder_missing` says why.
  static std::shared_ptr<ScoringModels> open(const Context& context, const ScoringParts& parts);

  /// A chat model that judges; at most once. Fails: not_found (the model), invalid_argument (its
  /// prompts, a budget in dollars without a price); all messages begin with "judge: ".
  Result<void> open_judge(const Context& context, const eval::JudgeSpec& spec,
                          const eval::JudgeBudget& budget_of_a_day);

  /// For as long as this is there.
  eval::Scorers scorers() const { return {.judge = judge_.get(), .local = evidence_.get()}; }
  /// Empty: there is one.
  const std::string& embedder_missing() const { return embedder_missing_; }

 private:
  explicit ScoringModels(const ScoringParts& parts) : parts_(parts) {}

  const ScoringParts parts_;
  std::string embedder_missing_;
  std::shared_ptr<models::Embedder> embedder_;
  std::shared_ptr<models::ChatModel> model_;
  std::unique_ptr<eval::LocalEvidence> evidence_;
  std::unique_ptr<eval::ModelJudge> judge_;
};

}  // namespace slipway::app::detail
