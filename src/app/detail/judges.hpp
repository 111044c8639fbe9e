// Judges that ask a model of the catalog, and embedders of local evidence, as a suite or a command
// line names them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"
#include "eval/model_judge.hpp"
#include "eval/suite.hpp"

namespace slipway::app::detail {

/// Owns what judges borrow, with one cache in the data folder: must outlive them. For one thread.
class Judges {
 public:
  explicit Judges(App& app) : app_(app) {}
  /// Judges opened from now on ask again what they have asked before.
  void forget_replies() { uses_cache_ = false; }

  /// `folder`: what the folder of prompts is relative to. `budget` limits the judge where its own
  /// says nothing. Fails: not_found (model, prompts), invalid_argument (prompts, budget).
  Result<std::unique_ptr<eval::ModelJudge>> open(const eval::JudgeSpec& spec,
                                                 const std::optional<eval::BudgetSpec>& budget,
                                                 const std::filesystem::path& folder);

 private:
  App& app_;
  bool uses_cache_ = true;
  std::unique_ptr<eval::JudgeCache> cache_;
  std::vector<std::shared_ptr<models::ChatModel>> models_;
  std::vector<std::shared_ptr<models::Embedder>> embedders_;
};

/// The embedder of that name; empty: the configured one, or null with a note where it is not
/// installed; "none": null. Fails: as the catalog does.
Result<std::shared_ptr<models::Embedder>> open_evidence_embedder(App& app, const std::string& name);

}  // namespace slipway::app::detail
