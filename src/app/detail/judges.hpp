// Judges that ask a model of the catalog, as a suite or a command line names them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "app/app.hpp"
#include "eval/local_evidence.hpp"
#include "eval/model_judge.hpp"
#include "eval/suite.hpp"

namespace slipway::app::detail {

/// Opens each judge once: all of its samples share model, budget and the cache in the data folder.
/// Must outlive what it opens. `open` is for one thread.
class Judges {
 public:
  explicit Judges(App& app) : app_(app) {}
  /// Runs of judges go there; must outlive this. Null: nowhere.
  void record(trace::Recorder* recorder) { recorder_ = recorder; }

  /// `folder`: what the folder of prompts is relative to. `sample` from 0 is a repeat. `budget`
  /// limits the judge where its own `budget` says nothing. Fails: not_found (model, prompts),
  /// invalid_argument (prompts, budget).
  Result<std::unique_ptr<eval::Judge>> open(const eval::JudgeSpec& spec,
                                            const std::optional<eval::BudgetSpec>& budget,
                                            const std::filesystem::path& folder,
                                            std::size_t sample = 0);
  /// Of all that were opened.
  eval::JudgeSpent spent() const;

 private:
  struct Opened {
    std::shared_ptr<models::ChatModel> model;
    std::shared_ptr<models::Embedder> embedder;
    std::unique_ptr<eval::ModelJudge> judge;
  };
  Result<eval::ModelJudge*> make(const eval::JudgeSpec& spec,
                                 const std::optional<eval::BudgetSpec>& budget,
                                 const std::filesystem::path& folder);

  App& app_;
  trace::Recorder* recorder_ = nullptr;
  std::unique_ptr<eval::JudgeCache> cache_;
  std::map<std::string, Opened> opened_;  ///< By all that a judge is made of.
};

/// The embedder of that name; empty: the configured one, or null with a note where it is not
/// installed; "none": null. Fails: as the catalog does.
Result<std::shared_ptr<models::Embedder>> open_evidence_embedder(App& app, const std::string& name);

}  // namespace slipway::app::detail
