// What the routes of evaluations share.
#pragma once

#include <memory>

#include "api/detail/evaluation_wire.hpp"
#include "api/evaluations.hpp"

namespace slipway::api::detail {

struct EvaluationDesk {
  explicit EvaluationDesk(const EvaluationServices& all)
      : services(all), experiments(all.datasets), evaluations(all.store, experiments) {}
  EvaluationDesk(const EvaluationDesk&) = delete;
  EvaluationDesk& operator=(const EvaluationDesk&) = delete;

  enum class ResultPart { all, without_items };
  /// Fails: not_found.
  Result<http::Written<EvaluationResult>> result(const Context& context, const std::string& id,
                                                 ResultPart part) const;
  /// One whose job has ended without its knowledge has ended, too.
  void bring_up_to_date(const Context& context, eval::EvaluationInfo& info) const;

  const EvaluationServices services;
  const eval::Experiments experiments;
  const eval::Evaluations evaluations;
};
using EvaluationDeskPtr = std::shared_ptr<const EvaluationDesk>;

void mount_evaluation_reading(http::Api& api, const EvaluationDeskPtr& desk);
void mount_evaluation_report(http::Api& api, const EvaluationDeskPtr& desk);
void mount_evaluation_runs(http::Api& api, const EvaluationDeskPtr& desk);
void mount_goldens(http::Api& api, const EvaluationDeskPtr& desk);
void mount_evaluator_scores(http::Api& api, const EvaluationDeskPtr& desk);

}  // namespace slipway::api::detail
