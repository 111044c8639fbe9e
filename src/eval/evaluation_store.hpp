// Evaluations in the main database: what was asked for, how far it is, every case, and the result.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/guarded.hpp"
#include "eval/evaluation_info.hpp"
#include "store/database.hpp"

namespace slipway::eval {

/// The tables `eval_...` of the main database.
std::vector<store::Migration> evaluation_migrations();

/// What an evaluation ended with.
struct EvaluationEnd {
  EvaluationState state = EvaluationState::done;
  std::optional<std::string> error;
  std::optional<bool> passed;
  std::vector<std::string> failures;
  std::vector<MetricSummary> metrics;
  std::string result;  ///< JSON of `slipway-eval-result/1`; empty: there is none.
};

/// Safe to use from many threads.
class EvaluationStore {
 public:
  struct Options {
    store::Database& database;  ///< Opened with `evaluation_migrations()`; must outlive it.
    const Clock& clock = system_clock();
    std::size_t kept_max = 10'000;  ///< Evaluations; more are refused.
  };
  explicit EvaluationStore(Options options) : options_(options) {}

  /// Those that a program left running when it ended are `interrupted` from now on.
  Result<void> take_stock(const Context& context);
  /// The ids of what `take_stock` found; the next call gives none.
  std::vector<std::string> take_interrupted();

  /// Gives it an id and the time of its birth. Fails: conflict (too many are kept).
  Result<EvaluationInfo> create(const Context& context, EvaluationInfo info);
  /// Fails: not_found, and so all below.
  Result<EvaluationInfo> get(const Context& context, const std::string& id);
  /// Of one dataset (its id), or of all; youngest first.
  Result<std::vector<EvaluationInfo>> list(const Context& context,
                                           const std::optional<std::string>& dataset_id);
  Result<void> set_job(const Context& context, const std::string& id, const std::string& job);
  /// It runs from now on.
  Result<void> begin(const Context& context, const std::string& id);
  /// One that was cut off waits again; takes its metadata.
  Result<void> restart(const Context& context, const EvaluationInfo& info);
  /// Cases that are ready; they stand behind those before. A case of a known id replaces it.
  Result<void> add(const Context& context, const std::string& id,
                   const std::vector<EvaluationCase>& cases);
  Result<void> end(const Context& context, const std::string& id, const EvaluationEnd& end);
  Result<void> remove(const Context& context, const std::string& id);

  /// In the order in which they were added.
  Result<std::vector<EvaluationCase>> cases(const Context& context, const std::string& id);
  /// Fails: not_found (no such case).
  Result<EvaluationCase> find_case(const Context& context, const std::string& id,
                                   const std::string& case_id);
  /// Empty: there is none.
  Result<std::string> result_text(const Context& context, const std::string& id);

 private:
  const Options options_;
  Guarded<std::vector<std::string>> interrupted_;
};

}  // namespace slipway::eval
